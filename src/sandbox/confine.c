/* What takes power away, one act each; their order and its reasons are in steps.c. */
#include "kernel/capset.h"
#include "kernel/filter.h"
#include "kernel/process.h"
#include "launch.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel counts the tasks of a user in each user namespace by itself (since 5.14). */
static int limit_tasks(uint32_t most, struct error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) < 0)
		return error_errno(err, "RLIMIT_NPROC");
	if (most == 0 || limit.rlim_max < most)
		return 0; /* isorun's own is lower */
	limit = (struct rlimit){ most, most };
	return setrlimit(RLIMIT_NPROC, &limit) < 0 ? error_errno(err, "RLIMIT_NPROC") : 0;
}

int confine_limits(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;

	if (limit_tasks(launch->tasks, err) < 0)
		return -1;

	for (size_t i = 0; i < spec->rlimit_count; i++) {
		const struct spec_rlimit *limit = &spec->rlimits[i];
		const struct rlimit value = { limit->soft, limit->hard };

		if (setrlimit((__rlimit_resource_t)limit->resource, &value) == 0)
			continue;
		error_errno(err, "%s", spec_rlimit_name(limit->resource));
		if (err->errnum == EPERM)
			error_hint(err, "it is above isorun's own hard limit");
		return -1;
	}
	return 0;
}

int confine_bounding(struct launch *launch, struct error *err)
{
	return capset_bound(launch->spec->capabilities.bounding, err);
}

int confine_user(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;

	/* Where a capability is to stay, it must survive the change from root; capset follows. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, "keep capabilities");
	if (!spec->keep_groups && setgroups(spec->group_count, spec->groups) < 0)
		return error_errno(err, "supplementary groups");
	if (setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return error_errno(err, "group %u", spec->gid);
	if (setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return error_errno(err, "user %u", spec->uid);
	/* The change has set it to what the host's fs.suid_dumpable says; pid 1 never executes
	 * anything that would set it again, and the app must not open its /proc/1/exe. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with 0 */
	return 0;
}

int confine_capabilities(struct launch *launch, struct error *err)
{
	const struct spec_capabilities *wanted = &launch->spec->capabilities;

	return capset_apply(
		&(struct capset){
			.permitted = wanted->permitted,
			.effective = wanted->effective,
			.inheritable = wanted->inheritable,
			.ambient = wanted->ambient,
		},
		err);
}

int confine_privileges(struct launch *launch, struct error *err)
{
	if (launch->spec->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "set");
	return 0;
}

/* In a network namespace that is not its own, a process could connect to the abstract sockets of
 * the host's programs, which have no owner and no mode (CVE-2020-15257). Kernels before 6.12 cannot
 * prevent it; docs/security.md says so. A spec made by others is obeyed as it is. */
int confine_sockets(struct launch *launch, struct error *err)
{
	const struct {
		uint64_t files, ports, scoped;
	} ruleset = { .scoped = 1 }; /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET */
	int fd, result;

	if (launch->spec->namespaces & CLONE_NEWNET ||
		launch->spec->filter != SPEC_FILTER_DEFAULT || !launch->spec->no_new_privs)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == E2BIG || errno == EINVAL
			       ? 0
			       : error_errno(err, "Landlock");
	result = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	if (result < 0)
		error_errno(err, "Landlock");
	(void)close(fd); /* it is in force, or we give up */
	return result;
}

/* The parent may have died before the kernel was told to mind: then its end of the socket is gone.
 * getppid(2) would not tell, a parent outside the pid namespace is always 0. */
int confine_lifetime(struct launch *launch, struct error *err)
{
	char byte;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "follow its death");
	if (recv(launch->sync, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(0);
	return 0;
}

/* What is left while the process waits for its start must be no way out of the root. */
int confine_descriptors(struct launch *launch, struct error *err)
{
	const int wanted[] = { launch->sync, launch->report, launch->master, launch->slave };
	int keep[3 + sizeof wanted / sizeof *wanted] = { 0, 1, 2 };
	size_t count = 3;

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		process_keep(keep, &count, wanted[i]);
	launch->root = -1;
	return process_close_others(keep, count, err);
}

int confine_filter(struct launch *launch, struct error *err)
{
	if (!launch->filter || launch->filter->len == 0 || launch->filtered)
		return 0;
	launch->filtered = true;
	return filter_load(launch->filter, err);
}
