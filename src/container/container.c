/* One container's life, from parts that know nothing of each other: cgroup, root, filter, sandbox.
 *
 * The order matters: the cgroup is there before the clone, which is born in it; the network is
 * joined while the child waits, so that nothing of it ever ran without its rules; the filter is
 * read before the clone, for the child has no heap.
 *
 * Deliberately absent: restarts and log lines (supervisor), and any state on disk. What outlives a
 * killed isorun is an empty cgroup directory, which the next run sweeps. */
#include "container/container.h"

#include "base/cleanup.h"
#include "container/filters.h"
#include "kernel/userns.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct spec_ids container_ids(uint32_t base)
{
	if (userns_owns_ids())
		return (struct spec_ids){ .uid = base, .gid = base };
	return (struct spec_ids){ .own = true, .uid = geteuid(), .gid = getegid() };
}

/* Whoever may make no cgroup runs without: the processes are still one pid namespace to be killed,
 * and the limits that do not hold are each said. */
static int do_without(struct container_site *site, struct error *err)
{
	struct cgroup_run *run = &site->cgroup;

	if (!site->ids.own || err->kind != ERROR_UNSUPPORTED)
		return error_wrap(err, "cgroup of this run");
	*run = (struct cgroup_run){ .dir = -1, .base = -1 };
	(void)snprintf(run->notice, sizeof run->notice,
		"no limit of cpu or memory holds: %.300s%s%s", err->text, *err->hint ? "; " : "",
		err->hint); /* fits */
	return 0;
}

int container_site_open(
	const char *name, const struct spec_ids *ids, struct container_site *ret, struct error *err)
{
	struct container_site site = CONTAINER_SITE_NONE;

	site.ids = *ids;
	if (cgroup_run_open(name, &site.cgroup, err) < 0 && do_without(&site, err) < 0)
		return -1;
	*ret = site;
	return 0;
}

int container_site_enter(
	struct container_site *site, const struct container_tree *tree, struct error *err)
{
	const struct root_plan plan = {
		.layers = tree->layers,
		.ids = { site->ids.uid, site->ids.own ? 0 : SPEC_IDS },
		.etc = tree->etc,
		.etc_count = tree->etc_count,
		.scratch = tree->scratch,
	};

	if (site->ids.own && userns_enter_own(!tree->host_network, err) < 0)
		return -1;
	if (!site->ids.own && root_enter_private(err) < 0)
		return -1;
	site->filters = tree->filters;
	site->root = root_prepare(&plan, err);
	return site->root < 0 ? error_wrap(err, "root file system") : 0;
}

void container_site_done(struct container_site *site)
{
	cleanup_close(&site->root);
	site->root = -1;
	if (site->cgroup.dir >= 0)
		cgroup_run_done(&site->cgroup);
	site->cgroup.dir = -1;
}

static int open_cgroup(const struct container_site *site, const struct container_launch *launch,
	struct container *container, struct error *err)
{
	const struct cgroup_limits limits = {
		.memory = launch->spec->limits.memory,
		.cpu_milli = launch->spec->limits.cpu_milli,
		.pids = launch->spec->limits.pids,
	};

	if (cgroup_open(&site->cgroup, launch->name, &limits, &container->cgroup, err) < 0)
		return error_wrap(err, "cgroup");
	container->has_cgroup = container->cgroup.dir >= 0;
	return 0;
}

/* Without a pids controller the limit holds by RLIMIT_NPROC, if all processes of the container are
 * one user's and stay it, in a user namespace of their own: that is counted alone. */
static uint32_t limit_tasks(const struct spec *spec, struct cgroup *cgroup)
{
	if (!(cgroup->missing & CGROUP_PIDS) || !(spec->namespaces & CLONE_NEWUSER) ||
		spec->capabilities.bounding || !spec->no_new_privs)
		return 0;
	cgroup->missing &= ~(unsigned)CGROUP_PIDS;
	return spec->limits.pids;
}

static void set_size(int console, const struct container_launch *launch)
{
	struct winsize size = { .ws_row = launch->rows, .ws_col = launch->columns };

	if (console >= 0 && launch->rows > 0)
		(void)ioctl(console, TIOCSWINSZ, &size); /* a size is a courtesy */
}

static int run_stages(const struct container_launch *launch, const struct sandbox_parts *parts,
	struct sandbox *sandbox, struct error *err)
{
	if (sandbox_create(launch->spec, parts, sandbox, err) < 0)
		return -1;
	if (launch->network && launch->network(launch->context, sandbox->network, err) < 0)
		return error_wrap(err, "network");
	if (sandbox_setup(sandbox, err) < 0)
		return -1;
	set_size(sandbox->console, launch);
	return sandbox_start(sandbox, err);
}

int container_start(const struct container_site *site, const struct container_launch *launch,
	struct container *ret, struct error *err)
{
	CLEANUP_BUF struct buf filter = { 0 };
	CLEANUP_CLOSE int root = root_clone(site->root, false, err);
	struct container container = CONTAINER_NONE;
	struct sandbox_parts parts = { .root = root, .filter = &filter };

	if (root < 0)
		return error_wrap(err, "root file system");
	if (launch->spec->filter == SPEC_FILTER_DEFAULT &&
		filters_load(site->filters, &launch->spec->filter_allow, &filter, err) < 0)
		return -1;
	if (open_cgroup(site, launch, &container, err) < 0)
		return -1;
	parts.cgroup = container.cgroup.dir;
	parts.tasks = limit_tasks(launch->spec, &container.cgroup);
	memcpy(parts.stdio, launch->stdio, sizeof parts.stdio);
	if (run_stages(launch, &parts, &container.sandbox, err) < 0) {
		container_done(site, &container);
		return -1;
	}
	/* Joined, it is of no more use, and a formation has many. */
	cleanup_close(&container.sandbox.network);
	container.sandbox.network = -1;
	*ret = container;
	return 0;
}

int container_signal(const struct container *container, int signo, struct error *err)
{
	return sandbox_signal(&container->sandbox, signo, err);
}

int container_kill(const struct container *container, struct error *err)
{
	/* Without a cgroup the end of pid 1 is the end of all: they are in its namespace. */
	return container->has_cgroup ? cgroup_kill(&container->cgroup, err)
				     : sandbox_signal(&container->sandbox, SIGKILL, err);
}

int container_wait(struct container *container, struct container_end *ret, struct error *err)
{
	struct cgroup_events events = { 0 };
	struct error ignored;
	int status;

	if (sandbox_wait(&container->sandbox, &status, err) < 0)
		return -1;
	if (container->has_cgroup)
		(void)cgroup_read_events(
			&container->cgroup, &events, &ignored); /* then it was no oom */
	ret->status = status;
	ret->oom = events.oom_kill > 0;
	return 0;
}

void container_done(const struct container_site *site, struct container *container)
{
	sandbox_done(&container->sandbox);
	if (container->has_cgroup)
		cgroup_done(&site->cgroup, &container->cgroup);
	*container = CONTAINER_NONE;
}
