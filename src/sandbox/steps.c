/* The order in which a process is set up, confined and executed: three tables to be read from top
 * to bottom, and the steps too small for a file of their own. */
#include "base/cleanup.h"
#include "kernel/process.h"
#include "kernel/terminal.h"
#include "launch.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int join_session(struct launch *launch, struct error *err);
static int become_root(struct launch *launch, struct error *err);
static int leave_cgroups(struct launch *launch, struct error *err);
static int set_host_name(struct launch *launch, struct error *err);
static int open_terminal(struct launch *launch, struct error *err);
static int join_terminal(struct launch *launch, struct error *err);

/* While the old root is still there: proc can be mounted in a user namespace only where another one
 * is visible, and mounts can be copied only from a tree that is attached. */
const struct step launch_setup[] = {
	{ "session", join_session },
	{ "user namespace", become_root },
	{ "cgroup namespace", leave_cgroups }, /* after the clone into the cgroup: it is the root */
	{ "host name", set_host_name },
	{ "devices", devices_open }, /* the last paths of the host; below, all are the root's */
	{ "root", mounts_attach_root },
	{ "mounts", mounts_make },
	{ "devices", devices_make },
	{ "terminal", open_terminal },
	{ "terminal", devices_make_console },
	{ "masked paths", masks_hide },
	{ "read-only paths", masks_freeze },
	{ "mounts", mounts_seal }, /* nothing is made in the read-only tmpfs after this */
	{ "root", mounts_enter },
	{ NULL, mounts_go_to_work },
	{ 0 },
};

/* Of pid 1, where there is one of ours, and so of everything after it. */
const struct step launch_confine[] = {
	{ "limits", confine_limits },         /* the hard ones while we may */
	{ "bounding set", confine_bounding }, /* needs a capability that then goes */
	{ "user", confine_user },
	{ "capabilities", confine_capabilities },
	{ "no_new_privs", confine_privileges },  /* before the filter, which asks for it */
	{ "abstract sockets", confine_sockets }, /* as above */
	{ "parent", confine_lifetime },          /* the changes above would have cleared it */
	{ NULL, command_find },                  /* as the final user */
	{ "descriptors", confine_descriptors },  /* the root's was the last path's */
	{ 0 },
};

/* Of the main process, a child of pid 1 or the same process as above. */
const struct step launch_execute[] = {
	{ "session", join_session },
	{ "terminal", join_terminal },
	{ "start", command_announce },
	{ "seccomp filter", confine_filter }, /* last: a filter need not allow what comes before */
	{ NULL, command_execute },
	{ 0 },
};

int steps_run(const struct step *steps, struct launch *launch, struct error *err)
{
	for (const struct step *step = steps; step->act; step++) {
		if (step->act(launch, err) == 0)
			continue;
		return step->name ? error_wrap(err, "%s", step->name) : -1;
	}
	return 0;
}

/* Own session: no signal of isorun's terminal, and no input pushed into it (TIOCSTI). */
static int join_session(struct launch *launch, struct error *err)
{
	(void)launch;
	(void)err;
	(void)setsid(); /* fails only where we lead one already */
	(void)umask(0); /* what set-up makes has the mode it says; the spec's follows */
	/* Nobody who shares our user may look into us before we are what we shall be. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with 0 */
	return 0;
}

static uint32_t first_id(const struct spec_id_map *maps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (maps[i].inside == 0)
			return 0;
	return count ? maps[0].inside : 0;
}

/* The fresh namespace knows us by no id, and who has none can make no file. */
static int become_root(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;
	uid_t uid = first_id(spec->uid_maps, spec->uid_map_count);
	gid_t gid = first_id(spec->gid_maps, spec->gid_map_count);

	if (!(spec->namespaces & CLONE_NEWUSER))
		return 0;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return error_errno(err, "become its root");
	return 0;
}

static int leave_cgroups(struct launch *launch, struct error *err)
{
	if (launch->spec->namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, "unshare");
	return 0;
}

static int set_host_name(struct launch *launch, struct error *err)
{
	const char *name = launch->spec->hostname;

	if (name && sethostname(name, strlen(name)) < 0)
		return error_errno(err, "%s", name);
	return 0;
}

static int open_terminal(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;

	if (!spec->terminal)
		return 0;
	if (terminal_open(launch->root, &launch->master, &launch->slave, err) < 0)
		return -1;
	if (fchown(launch->slave, spec->uid, (gid_t)-1) < 0)
		return error_errno(err, "owner");
	return 0;
}

static int join_terminal(struct launch *launch, struct error *err)
{
	process_reset_signals();
	(void)umask(launch->spec->umask); /* cannot fail */
	return launch->slave < 0 ? 0 : terminal_adopt(launch->slave, err);
}
