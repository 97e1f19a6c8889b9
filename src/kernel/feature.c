/* Features around processes and namespaces, tried.
 *
 * An ordinary user has rights only in a user namespace, so that comes first in most of them, for
 * root as well: its processes live in one, too. Where it cannot be had the error is that of
 * feature_userns, and the caller had better not go on asking. */
#include "kernel/feature.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/filter.h"
#include "kernel/process.h"
#include "kernel/refusal.h"
#include "kernel/systemd.h"
#include "kernel/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define START_ELSEWHERE "start isorun in a cgroup of its own, which belongs to you"

enum {
	MAJOR = 6,
	MINOR = 1,
	SOME_ID = 0x70000000, /* a host id that no user has */
	SOME_IDS = 65536,
	LANDLOCK_VERSION = 1,     /* the flag, landlock_create_ruleset(2) */
	LANDLOCK_WITH_SCOPES = 6, /* the ABI, of Linux 6.12 */
};

enum trial_result feature_version(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	struct utsname host;
	unsigned major = 0, minor = 0;

	(void)context;
	if (uname(&host) < 0)
		return (enum trial_result)error_errno(err, "kernel");
	(void)snprintf(found, TRIAL_TEXT, "%s %s", host.sysname, host.release); /* fits */
	if (sscanf(host.release, "%u.%u", &major, &minor) == 2 &&
		(major > MAJOR || (major == MAJOR && minor >= MINOR)))
		return TRIAL_DONE;
	error_set(err, ERROR_UNSUPPORTED, "%s is older than %d.%d", found, MAJOR, MINOR);
	error_hint(err, "isorun needs Linux %d.%d or newer", MAJOR, MINOR);
	return TRIAL_IN_PART;
}

enum trial_result feature_clone(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int pidfd = -1;
	pid_t pid = process_clone(0, -1, &pidfd, err);
	int status;

	(void)context;
	(void)found;
	if (pid == 0)
		_exit(0);
	if (pid < 0 && err->errnum == ENOSYS)
		return (enum trial_result)refusal_explain(ENOSYS, err);
	return pid < 0 || process_wait(pidfd, &status, err) < 0 ? TRIAL_FAILED : TRIAL_DONE;
}

enum trial_result feature_userns(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int range = -1;

	(void)context;
	if (userns_owns_ids()) {
		range = userns_open(SOME_ID, SOME_IDS, err);
		if (range < 0)
			return TRIAL_FAILED;
	}
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	/* AppArmor may let a namespace be made and then give no rights in it. */
	if (mount("tmpfs", "/", "tmpfs", 0, NULL) < 0)
		return (enum trial_result)refusal_explain(errno, err);
	(void)snprintf(found, TRIAL_TEXT, "%s", range < 0 ? "your own id" : "a range of ids");
	return TRIAL_DONE;
}

enum trial_result feature_one(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const struct feature_namespace *kind = context;

	(void)found;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	if (unshare(kind->flag) == 0)
		return TRIAL_DONE;
	error_errno(err, "%s namespace", kind->name);
	if (err->errnum == ENOSPC)
		error_hint(err, "sudo sysctl -w user.max_%s_namespaces=15000", kind->name);
	return TRIAL_FAILED;
}

/* What a run's cgroup lacks, and why: the first of these that is so. */
static enum trial_result judge_controllers(
	const struct cgroup_run *run, unsigned missing, struct error *err)
{
	char names[40];

	if (!missing)
		return TRIAL_DONE;
	(void)cgroup_names(missing, names);
	if (*run->notice) {
		error_set(err, ERROR_UNSUPPORTED, "no limits of %s: %.200s", names, run->notice);
		error_hint(err, "%s", run->hint);
	} else if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0) {
		error_set(err, ERROR_UNSUPPORTED,
			"no limits of %s: those controllers are on cgroup v1", names);
		error_hint(err, "boot with systemd.unified_cgroup_hierarchy=1");
	} else if (systemd_runs()) {
		error_set(err, ERROR_UNSUPPORTED, "no limits of %s: not delegated", names);
		error_hint(err, "sudo systemctl edit user@.service: [Service] Delegate=cpu memory "
				"pids");
	} else {
		error_set(err, ERROR_UNSUPPORTED, "no limits of %s: not handed to %s", names,
			run->path);
		error_hint(err, START_ELSEWHERE);
	}
	return TRIAL_IN_PART;
}

static int be_born_in(const struct cgroup *cgroup, struct error *err)
{
	CLEANUP_CLOSE int pidfd = -1;
	pid_t pid = process_clone(0, cgroup->dir, &pidfd, err);
	int status;

	if (pid == 0)
		_exit(0);
	return pid < 0 || process_wait(pidfd, &status, err) < 0 ? -1 : 0;
}

enum trial_result feature_cgroup(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const struct cgroup_limits limits = { .memory = 1 << 30, .cpu_milli = 1000, .pids = 1000 };
	struct cgroup_run run;
	struct cgroup one;
	char names[40];
	int result;

	(void)context;
	if (cgroup_run_open("doctor", &run, err) < 0)
		return TRIAL_FAILED;
	result = cgroup_open(&run, "trial", &limits, &one, err);
	if (result == 0) {
		result = be_born_in(&one, err);
		cgroup_done(&run, &one);
	}
	if (result == 0 && run.controllers)
		(void)snprintf(found, TRIAL_TEXT, "%s", cgroup_names(run.controllers, names));
	cgroup_run_done(&run);
	if (result < 0)
		return TRIAL_FAILED;
	return judge_controllers(&run, one.missing, err);
}

enum trial_result feature_seccomp(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_BUF struct buf filter = { 0 };
	const struct strv none = { 0 };

	(void)context;
	(void)found;
	if (filter_compile(&none, &filter, err) < 0)
		return TRIAL_FAILED;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return (enum trial_result)error_errno(err, "no_new_privs");
	return filter_load(&filter, err) < 0 ? TRIAL_FAILED : TRIAL_DONE;
}

enum trial_result feature_landlock(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	(void)context;
	if (abi < 0) {
		error_errno(err, "Landlock");
		error_hint(err,
			"boot with lsm=landlock,… or a kernel with CONFIG_SECURITY_LANDLOCK=y");
		return TRIAL_FAILED;
	}
	(void)snprintf(found, TRIAL_TEXT, "ABI %ld", abi); /* fits */
	if (abi >= LANDLOCK_WITH_SCOPES)
		return TRIAL_DONE;
	error_set(err, ERROR_UNSUPPORTED, "ABI %ld knows no scopes", abi);
	error_hint(err, "Linux 6.12 or newer has them");
	return TRIAL_IN_PART;
}

enum trial_result feature_apparmor(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct refusal refusal;

	(void)context;
	refusal_read(root, &refusal);
	(void)snprintf(found, TRIAL_TEXT, "%s%s",
		*refusal.label ? "this process is " : "not on this host", refusal.label); /* fits */
	return refusal_is_restricted(&refusal)
		       ? (enum trial_result)refusal_judge(&refusal, EACCES, err)
		       : TRIAL_DONE;
}
