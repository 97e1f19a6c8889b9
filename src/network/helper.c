/* Starting and ending a helper. It tells over its control socket whether it is confined, in one
 * byte or as an error record; one that died before it could is an end of file. */
#include "helper.h"

#include "base/cleanup.h"
#include "kernel/process.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

pid_t helper_clone(uint64_t flags, struct helper *ret, int *ret_own, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket pair");
	ret->control = ends[0];
	pid = process_clone(CLONE_NEWPID | flags, -1, &ret->pidfd, err);
	if (pid == 0) {
		(void)close(ends[0]); /* the parent's, or it would never see the end */
		*ret_own = ends[1];
		return 0;
	}
	(void)close(ends[1]); /* the child's */
	return pid;
}

int helper_ready(int own)
{
	return send(own, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

_Noreturn void helper_give_up(int own, const struct error *err)
{
	(void)send(own, err, sizeof *err, MSG_NOSIGNAL); /* or the parent sees the end */
	_exit(1);
}

int helper_await(const struct helper *helper, struct error *err)
{
	struct error report;
	ssize_t got = recv(helper->control, &report, sizeof report, 0);

	if (got == 1)
		return 0;
	if (got == (ssize_t)sizeof report) {
		*err = report;
		return -1;
	}
	return error_set(err, ERROR_FAILED, "it died at its start");
}

void helper_done(struct helper *helper, int milliseconds)
{
	struct pollfd end = { .fd = helper->pidfd, .events = POLLIN };
	struct error ignored;
	int status;

	cleanup_close(&helper->control);
	if (helper->pidfd >= 0) {
		if (milliseconds > 0)
			(void)poll(&end, 1, milliseconds); /* if it does not, it is killed */
		(void)pidfd_send_signal(helper->pidfd, SIGKILL, NULL, 0); /* or it is gone */
		(void)process_wait(helper->pidfd, &status, &ignored);     /* whatever it was */
	}
	cleanup_close(&helper->pidfd);
	*helper = HELPER_NONE;
}
