/* User namespaces. A namespace without a process is made by a child that shares our memory (so that
 * nothing is copied), does nothing, and is killed once its namespace is held by a descriptor.
 *
 * The one that an ordinary user's run lives in maps the caller to itself, not to root: what asks
 * for the effective user (D-Bus, the store's owner) hears the truth, and the capabilities within
 * come from having made it, not from a number. */
#include "kernel/userns.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/mount.h"
#include "kernel/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 16384, LINE = 64 };

#define INOTIFY "64" /* instances, of the 128 that a user has */

static int write_map(pid_t pid, const char *name, const char *text, struct error *err)
{
	char path[LINE];
	CLEANUP_CLOSE int fd = -1;

	if (!*text)
		return 0;
	if (pid)
		(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name); /* fits */
	else
		(void)snprintf(path, sizeof path, "/proc/self/%s", name); /* fits */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "%s", name);
	/* One write: the kernel takes a map whole or not at all. */
	if (write(fd, text, strlen(text)) < 0)
		return error_errno(err, "%s", name);
	return 0;
}

int userns_write_maps(pid_t pid, const char *uid_map, const char *gid_map, struct error *err)
{
	if (write_map(pid, "gid_map", gid_map, err) < 0)
		return -1;
	return write_map(pid, "uid_map", uid_map, err);
}

bool userns_owns_ids(void)
{
	CLEANUP_BUF struct buf map = { 0 };
	struct error ignored; /* without /proc nothing else works either */
	uint32_t inside, outside, count;

	if (geteuid() != 0)
		return false;
	return file_read_at(AT_FDCWD, "/proc/self/uid_map", LINE * 2, &map, &ignored) == 0 &&
	       map.len > 0 &&
	       sscanf(map.data, "%" SCNu32 "%" SCNu32 "%" SCNu32, &inside, &outside, &count) == 3 &&
	       inside == 0 && outside == 0 && count == UINT32_MAX;
}

int userns_map_own(pid_t pid, uid_t uid, gid_t gid, struct error *err)
{
	char uid_map[LINE], gid_map[LINE];

	(void)snprintf(uid_map, sizeof uid_map, "%u %u 1\n", uid, uid); /* these fit */
	(void)snprintf(gid_map, sizeof gid_map, "%u %u 1\n", gid, gid);
	if (write_map(pid, "setgroups", "deny", err) < 0)
		return -1;
	return userns_write_maps(pid, uid_map, gid_map, err);
}

int userns_enter_own(bool network, struct error *err)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	struct error ignored; /* a kernel without inotify */

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | (network ? CLONE_NEWNET : 0)) < 0)
		return refusal_explain(errno, err);
	if (userns_map_own(0, uid, gid, err) < 0)
		return err->errnum ? refusal_explain(err->errnum, err) : -1;
	/* The apps are the same user to the kernel as the caller's other programs, which need some
	 * of what it counts by user. */
	(void)file_set_at(AT_FDCWD, "/proc/sys/user/max_inotify_instances", INOTIFY, &ignored);
	/* AppArmor lets the namespace be made and then takes its rights: the first act tells. */
	if (mount_make_slave("/", err) < 0)
		return refusal_explain(err->errnum, err);
	return 0;
}

/* The child shares our memory, so it touches none: it waits, and dies with us. */
static int sleep_until_killed(void *parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a valid signal */
	while (getppid() == (pid_t)(intptr_t)parent)
		(void)pause(); /* returns only if a handler ran */
	return 0;
}

static int open_of(pid_t pid, const char *map, struct error *err)
{
	char path[LINE];
	int fd;

	if (userns_write_maps(pid, map, map, err) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid); /* fits: a pid */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "%s", path) : fd;
}

int userns_open(uint32_t base, uint32_t count, struct error *err)
{
	_Alignas(16) char stack[STACK];
	char map[LINE];
	int fd;
	/* No exit signal: the caller's handling of SIGCHLD never hears of it. */
	pid_t pid = clone(sleep_until_killed, stack + sizeof stack, CLONE_NEWUSER | CLONE_VM,
		(void *)(intptr_t)getpid());

	if (pid < 0)
		return refusal_explain(errno, err);
	(void)snprintf(map, sizeof map, "0 %" PRIu32 " %" PRIu32 "\n", base, count); /* fits */
	fd = open_of(pid, map, err);
	(void)kill(pid, SIGKILL);           /* ours and not yet reaped, so it is the right one */
	(void)waitpid(pid, NULL, __WCLONE); /* it has been killed */
	if (fd < 0)
		return error_wrap(err, "user namespace");
	return fd;
}
