/* The forwarder's process. It is forked, not executed, and gives up all it does not need before it
 * touches a byte of a stranger: it lives in the router's network namespace, in a mount namespace
 * whose root is empty, under a user id that nobody has, with CAP_NET_RAW alone (for connecting as
 * the client), and it dies with its parent. An ordinary user has no other id to give it; its pid
 * namespace is what keeps it from the user's other processes. Signals meant for a whole process
 * group or unit pass it by: how long it is needed, the supervisor knows. */
#include "forwarder.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "forwarder_loop.h"
#include "kernel/capset.h"
#include "kernel/mount.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 0x69736f00 }; /* not 65534: others run as that, and could signal this process */

static int enter_empty_root(struct error *err)
{
	CLEANUP_CLOSE int root = -1, target = -1;

	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, "mount namespace");
	root = mount_new("tmpfs", NULL,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	target = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	if (target < 0)
		return error_errno(err, "/proc");
	if (mount_attach(root, target, err) < 0)
		return -1;
	return mount_enter(root, err);
}

/* An ordinary user's router has no link to the host, and its user no other id. */
static int drop_rights(const struct router *router, struct error *err)
{
	const uint64_t raw = UINT64_C(1) << CAP_NET_RAW;
	const struct capset needed = { .permitted = raw, .effective = raw };

	if (capset_bound(0, err) < 0)
		return -1;
	if (router->uplink.host_link && (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
						setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
						setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return error_errno(err, "user id");
	if (capset_apply(&needed, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "no_new_privs");
	return 0;
}

static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections at once, then */
	}
}

static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1,
		SIGUSR2 };

	process_reset_signals();
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)signal(signals[i], SIG_IGN); /* valid numbers: cannot fail */
}

/* PR_SET_PDEATHSIG comes last: a change of credentials clears it. A parent that died before it has
 * closed its end of control, and the loop ends at once. */
static int confine(const struct router *router, struct error *err)
{
	process_rename("isorun:[forward]");
	ignore_signals();
	allow_many_descriptors();
	if (setns(router->namespace_fd, CLONE_NEWNET) < 0)
		return error_errno(err, "enter router");
	if (enter_empty_root(err) < 0 || drop_rights(router, err) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "PR_SET_PDEATHSIG");
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_others(
	const struct reserve *reserves, size_t count, const int needed[2], struct error *err)
{
	CLEANUP_FREE int *keep = memory_new(count + 2, sizeof *keep);

	for (size_t i = 0; i < count; i++)
		keep[i] = reserves[i].fd;
	keep[count] = needed[0];
	keep[count + 1] = needed[1];
	qsort(keep, count + 2, sizeof *keep, compare);
	if (process_close_others(keep, count + 2, err) < 0)
		return -1;
	/* Nothing that a library might print on descriptor 2 may end in somebody's connection. */
	for (int fd = open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0 && fd < 2;)
		fd = dup(fd);
	return 0;
}

static void run_child(
	const struct reserve *reserves, size_t count, const struct router *router, int control)
{
	const int needed[2] = { control, router->namespace_fd };
	struct error err = { 0 };

	if (close_others(reserves, count, needed, &err) < 0 || confine(router, &err) < 0) {
		(void)send(
			control, &err, sizeof err, MSG_NOSIGNAL); /* or the parent sees the end */
		_exit(1);
	}
	(void)close(router->namespace_fd); /* entered */
	if (send(control, "", 1, MSG_NOSIGNAL) == 1)
		(void)forwarder_run(
			reserves, count, control, router->ipv6, &err); /* until the end */
	_exit(0);
}

/* Takes the child's word that it is confined: one byte, or why it is not. */
static int await_ready(int control, struct error *err)
{
	struct error report;
	ssize_t got = recv(control, &report, sizeof report, 0);

	if (got == 1)
		return 0;
	if (got == (ssize_t)sizeof report) {
		*err = report;
		return -1;
	}
	return error_set(err, ERROR_FAILED, "it died at its start");
}

static int start(const struct reserve *reserves, size_t count, const struct router *router,
	struct forwarder *ret, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket pair");
	ret->control = ends[0];
	ret->pid = process_clone(CLONE_NEWPID, -1, &ret->pidfd, err);
	if (ret->pid == 0)
		run_child(reserves, count, router, ends[1]);
	(void)close(ends[1]); /* the child's */
	return ret->pid < 0 ? -1 : await_ready(ret->control, err);
}

int forwarder_start(const struct reserve *reserves, size_t count, const struct router *router,
	struct forwarder *ret, struct error *err)
{
	CLEANUP_FREE struct reserve *served = memory_new(count, sizeof *served);
	size_t served_count = 0;

	for (size_t i = 0; i < count; i++)
		if (reserves[i].forwarded)
			served[served_count++] = reserves[i];
	if (!served_count)
		return 0;
	if (start(served, served_count, router, ret, err) < 0) {
		forwarder_done(ret);
		return error_wrap(err, "forwarder");
	}
	return 0;
}

int forwarder_publish(struct forwarder *forwarder, size_t port, uint16_t inside,
	const unsigned *slots, size_t slot_count, struct error *err)
{
	struct forwarder_message message = {
		.port = (uint16_t)port,
		.inside = inside,
		.slot_count = (uint16_t)slot_count,
	};

	if (forwarder->control < 0)
		return 0;
	for (size_t i = 0; i < slot_count; i++)
		message.slots[i] = (uint16_t)slots[i];
	if (send(forwarder->control, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return error_errno(err, "forwarder");
	return 0;
}

void forwarder_done(struct forwarder *forwarder)
{
	struct error ignored;
	int status;

	cleanup_close(&forwarder->control);
	if (forwarder->pidfd >= 0)
		(void)syscall(
			SYS_pidfd_send_signal, forwarder->pidfd, SIGKILL, NULL, 0); /* or gone */
	if (forwarder->pidfd >= 0)
		(void)process_wait(forwarder->pidfd, &status, &ignored); /* whatever it was */
	cleanup_close(&forwarder->pidfd);
	*forwarder = FORWARDER_NONE;
}
