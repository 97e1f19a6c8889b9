/* The parent's side of a launch (launch.c has the theory of operation), and what can be done to a
 * sandbox afterwards: signal, wait, kill. Signals go through a pidfd: a pid may be somebody else's
 * by the time it is used. */
#include "sandbox/sandbox.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernel/mount.h"
#include "kernel/process.h"
#include "kernel/userns.h"
#include "launch.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWN_DESCRIPTORS = 6 }; /* 0, 1, 2, sync, report, root */

static bool is_bind(const struct spec_mount *mount)
{
	return strcmp(mount->type, "bind") == 0 || strcmp(mount->type, "rbind") == 0;
}

static int check_spec(const struct spec *spec, const struct sandbox_parts *parts, struct error *err)
{
	const char *wrong = NULL;
	struct stat status;

	if (!(spec->namespaces & CLONE_NEWNS))
		wrong = "a sandbox needs a mount namespace of its own";
	else if (spec->init && !(spec->namespaces & CLONE_NEWPID))
		wrong = "pid 1 needs a pid namespace of its own";
	else if (spec->hostname && !(spec->namespaces & CLONE_NEWUTS))
		wrong = "a host name needs a UTS namespace of its own";
	else if (parts->filter && parts->filter->len && !spec->no_new_privs)
		wrong = "a seccomp filter needs no_new_privs";
	else if (spec->argv.len == 0)
		wrong = "no command";
	if (wrong)
		return error_set(err, ERROR_FAILED, "%s", wrong);
	/* A directory would be a way out of the root: /proc/self/fd/0/.. */
	for (int i = 0; i < 3 && !spec->terminal; i++)
		if (fstat(parts->stdio[i], &status) == 0 && S_ISDIR(status.st_mode))
			return error_set(err, ERROR_FAILED, "standard stream %d is a directory", i);
	return 0;
}

/* A bind's source, copied and restricted here: the child may not be able to reach it. */
static int open_bind(const struct spec_mount *mount, struct error *err)
{
	const bool recursive = strcmp(mount->type, "rbind") == 0;
	CLEANUP_CLOSE int source = open(mount->source, O_PATH | O_CLOEXEC);
	CLEANUP_CLOSE int copy = -1;

	if (source < 0)
		return error_errno(err, "bind %s", mount->source);
	copy = mount_clone(source, "", recursive, err);
	if (copy < 0 || mount_make_private(copy, err) < 0 ||
		mount_restrict(copy, mount->attributes, recursive, err) < 0)
		return error_wrap(err, "bind %s", mount->source);
	return steal_fd(&copy);
}

static void launch_done(struct launch *launch)
{
	for (size_t i = 0; launch->binds && i < launch->spec->mount_count; i++)
		cleanup_close(&launch->binds[i]);
	free(launch->binds);
	free(launch->keep);
	cleanup_close(&launch->sync);
	cleanup_close(&launch->report);
}

static int launch_init(struct launch *launch, const struct spec *spec,
	const struct sandbox_parts *parts, struct error *err)
{
	const size_t mounts = spec->mount_count;

	*launch = (struct launch){
		.spec = spec,
		.filter = parts->filter,
		.tasks = parts->tasks,
		.root = parts->root,
		.sync = -1,
		.report = -1,
		.stdio = { -1, -1, -1 },
		.binds = memory_new(mounts, sizeof *launch->binds),
		.keep = memory_new(mounts + OWN_DESCRIPTORS, sizeof *launch->keep),
		.master = -1,
		.slave = -1,
	};
	for (int i = 0; i < 3 && !spec->terminal; i++)
		launch->stdio[i] = parts->stdio[i];
	for (size_t i = 0; i < mounts; i++)
		launch->binds[i] = -1;
	for (size_t i = 0; i < mounts; i++) {
		if (!is_bind(&spec->mounts[i]))
			continue;
		launch->binds[i] = open_bind(&spec->mounts[i], err);
		if (launch->binds[i] < 0)
			return -1;
	}
	return 0;
}

/* The two ends of the socket and of pid 1's report. */
static int connect_child(struct sandbox *sandbox, struct launch *launch, struct error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "launch protocol");
	sandbox->sync = pair[0];
	launch->sync = pair[1];
	if (!launch->spec->init)
		return 0;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_errno(err, "report of pid 1");
	sandbox->report = pair[0];
	launch->report = pair[1];
	return 0;
}

static void print_maps(const struct spec_id_map *maps, size_t count, struct buf *ret)
{
	buf_reserve(ret, 0);
	for (size_t i = 0; i < count; i++)
		buf_addf(ret, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", maps[i].inside,
			maps[i].outside, maps[i].count);
}

static int write_maps(const struct spec *spec, pid_t pid, struct error *err)
{
	CLEANUP_BUF struct buf uids = { 0 };
	CLEANUP_BUF struct buf gids = { 0 };

	if (!(spec->namespaces & CLONE_NEWUSER))
		return 0;
	print_maps(spec->uid_maps, spec->uid_map_count, &uids);
	print_maps(spec->gid_maps, spec->gid_map_count, &gids);
	return userns_write_maps(pid, uids.data, gids.data, err);
}

/* What the child is given from outside while it waits. */
static int furnish(const struct spec *spec, struct sandbox *sandbox, struct error *err)
{
	char path[64], score[16];

	if (write_maps(spec, sandbox->pid, err) < 0)
		return -1;
	if (spec->oom_score_adj) {
		(void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)sandbox->pid);
		(void)snprintf(score, sizeof score, "%d", spec->oom_score_adj);
		if (file_set_at(AT_FDCWD, path, score, err) < 0)
			return -1;
	}
	if (!(spec->namespaces & CLONE_NEWNET))
		return 0;
	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)sandbox->pid); /* fits: a pid */
	sandbox->network = open(path, O_RDONLY | O_CLOEXEC);
	return sandbox->network < 0 ? error_errno(err, "network namespace") : 0;
}

static int say(const struct sandbox *sandbox, enum launch_stage stage, struct error *err)
{
	return launch_send(sandbox->sync, &(struct launch_record){ .stage = stage }, -1, err);
}

static int fail(struct sandbox *sandbox)
{
	sandbox_done(sandbox);
	return -1;
}

int sandbox_create(const struct spec *spec, const struct sandbox_parts *parts, struct sandbox *ret,
	struct error *err)
{
	__attribute__((cleanup(launch_done))) struct launch launch = { .sync = -1, .report = -1 };
	struct sandbox sandbox = SANDBOX_NONE;

	if (check_spec(spec, parts, err) < 0)
		return -1;
	launch.spec = spec;
	if (launch_init(&launch, spec, parts, err) < 0 || connect_child(&sandbox, &launch, err) < 0)
		return fail(&sandbox);
	sandbox.pid = process_clone(
		spec->namespaces & ~(uint64_t)CLONE_NEWCGROUP, parts->cgroup, &sandbox.pidfd, err);
	if (sandbox.pid < 0)
		return fail(&sandbox);
	if (sandbox.pid == 0)
		launch_child(&launch);
	if (furnish(spec, &sandbox, err) < 0 || say(&sandbox, LAUNCH_SETUP, err) < 0)
		return fail(&sandbox);
	*ret = sandbox;
	return 0;
}

/* The child has gone without a word. */
static int died(struct sandbox *sandbox, enum launch_stage stage, struct error *err)
{
	struct error ignored;
	int status = 0;

	cleanup_close(&sandbox->sync);
	sandbox->sync = -1;
	/* It may only have closed its end; it is of no use then either. */
	(void)pidfd_send_signal(sandbox->pidfd, SIGKILL, NULL, 0); /* dead is what it should be */
	if (process_wait(sandbox->pidfd, &status, &ignored) == 0)
		sandbox->pid = -1;
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_FAILED, "the process was killed by signal %d %s",
			WTERMSIG(status), launch_stage_name(stage));
	return error_set(err, ERROR_FAILED, "the process ended %s", launch_stage_name(stage));
}

/* Receives the record that enters stage. 0: end of file. */
static int hear(struct sandbox *sandbox, enum launch_stage stage, struct error *err)
{
	struct launch_record record;
	int fd;
	int got = launch_receive(sandbox->sync, &record, &fd, err);

	if (got <= 0)
		return got;
	if (fd >= 0)
		sandbox->console = fd;
	if (record.failed) {
		*err = record.error;
		return -1;
	}
	if (record.stage != stage)
		return error_set(
			err, ERROR_FAILED, "launch protocol: stage %u out of order", record.stage);
	return 1;
}

int sandbox_setup(struct sandbox *sandbox, struct error *err)
{
	int heard = hear(sandbox, LAUNCH_READY, err);

	if (heard == 0)
		died(sandbox, LAUNCH_SETUP, err);
	return heard > 0 ? 0 : fail(sandbox);
}

int sandbox_start(struct sandbox *sandbox, struct error *err)
{
	int heard;

	if (say(sandbox, LAUNCH_START, err) < 0) {
		died(sandbox, LAUNCH_READY, err); /* only the dead do not listen */
		return fail(sandbox);
	}
	heard = hear(sandbox, LAUNCH_EXEC, err);
	if (heard == 0)
		died(sandbox, LAUNCH_START, err);
	if (heard <= 0)
		return fail(sandbox);
	heard = hear(sandbox, LAUNCH_EXEC, err);
	if (heard != 0)
		return fail(sandbox);
	cleanup_close(&sandbox->sync);
	sandbox->sync = -1;
	return 0;
}

int sandbox_signal(const struct sandbox *sandbox, int signo, struct error *err)
{
	if (sandbox->pidfd < 0 || pidfd_send_signal(sandbox->pidfd, signo, NULL, 0) == 0 ||
		errno == ESRCH)
		return 0;
	return error_errno(err, "send signal %d", signo);
}

int sandbox_wait(struct sandbox *sandbox, int *ret, struct error *err)
{
	int status, main_status;

	if (process_wait(sandbox->pidfd, &status, err) < 0)
		return -1;
	sandbox->pid = -1;
	if (sandbox->report < 0)
		*ret = status;
	else if (read(sandbox->report, &main_status, sizeof main_status) == sizeof main_status)
		*ret = main_status;
	else
		*ret = SIGKILL; /* of pid 1, and so of everything */
	return 0;
}

void sandbox_done(struct sandbox *sandbox)
{
	struct error ignored;
	int status;

	if (sandbox->pid > 0) {
		(void)pidfd_send_signal(sandbox->pidfd, SIGKILL, NULL, 0); /* dead is fine */
		(void)process_wait(sandbox->pidfd, &status, &ignored);     /* gone is fine */
	}
	cleanup_close(&sandbox->pidfd);
	cleanup_close(&sandbox->network);
	cleanup_close(&sandbox->console);
	cleanup_close(&sandbox->sync);
	cleanup_close(&sandbox->report);
	*sandbox = SANDBOX_NONE;
}
