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
		confine(router->namespace_fd, &err) < 0)
		helper_give_up(control, &err);
	(void)close(router->namespace_fd); /* entered */
	if (helper_ready(control) == 0)
		(void)forwarder_run(
			reserves, count, control, router->ipv6, &err); /* until the end */
	_exit(0);
}

static int start(const struct reserve *reserves, size_t count, const struct router *router,
	struct helper *ret, struct error *err)
{
	int control;
	pid_t pid = helper_clone(0, ret, &control, err);

	if (pid == 0)
		run_child(reserves, count, router, control);
	return pid < 0 ? -1 : helper_await(ret, err);
}

int forwarder_start(const struct reserve *reserves, size_t count, const struct router *router,
	struct helper *ret, struct error *err)
{
	CLEANUP_FREE struct reserve *served = memory_new(count, sizeof *served);
	size_t served_count = 0;

	for (size_t i = 0; i < count; i++)
		if (reserves[i].forwarded)
			served[served_count++] = reserves[i];
	if (!served_count)
		return 0;
	if (start(served, served_count, router, ret, err) < 0) {
		helper_done(ret, 0);
		return error_wrap(err, "forwarder");
	}
	return 0;
}

int forwarder_publish(const struct helper *forwarder, size_t port, uint16_t inside,
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
