/* Network namespaces: made, entered and left by this one thread, so that between enter and leave
 * nothing else of isorun can run in the wrong one.
 *
 * Deliberately absent: names under /run/netns. A namespace with a name outlives its maker. */
#include "kernel/namespace.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

int namespace_open(struct error *err)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "network namespace");
	return fd;
}

int namespace_new(struct error *err)
{
	int back = namespace_open(err);
	int made;

	if (back < 0)
		return -1;
	if (unshare(CLONE_NEWNET) < 0) {
		error_errno(err, "make network namespace");
		if (err->errnum == EPERM || err->errnum == EINVAL)
			err->kind = ERROR_UNSUPPORTED;
		(void)close(back); /* reading only */
		return -1;
	}
	made = namespace_open(err);
	namespace_leave(back);
	return made;
}

int namespace_enter(int fd, struct error *err)
{
	int back = namespace_open(err);

	if (back < 0)
		return -1;
	if (setns(fd, CLONE_NEWNET) < 0) {
		error_errno(err, "enter network namespace");
		(void)close(back); /* reading only */
		return -1;
	}
	return back;
}

void namespace_leave(int back)
{
	if (setns(back, CLONE_NEWNET) < 0)
		abort();
	(void)close(back); /* reading only */
}

int namespace_socket(int fd, int domain, int type, int protocol, struct error *err)
{
	int back = namespace_enter(fd, err);
	int made;

	if (back < 0)
		return -1;
	made = socket(domain, type | SOCK_CLOEXEC, protocol);
	if (made < 0)
		error_errno(err, "socket");
	namespace_leave(back);
	return made;
}
