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
#include "kernel/process.h"
#include "seclude.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int confine(int namespace_fd, struct error *err)
{
	process_rename("isorun:[forward]");
	seclude_signals();
	seclude_files();
	if (setns(namespace_fd, CLONE_NEWNET) < 0)
		return error_errno(err, "enter router");
	if (seclude_root(err) < 0)
		return -1;
	return seclude_rights(UINT64_C(1) << CAP_NET_RAW, err);
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
	seclude_streams();
	return 0;
}

static void run_child(
	const struct reserve *reserves, size_t count, const struct router *router, int control)
{
	const int needed[2] = { control, router->namespace_fd };
	struct error err = { 0 };

	if (close_others(reserves, count, needed, &err) < 0 ||
		confine(router->namespace_fd, &err) < 0) {
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
