/* The launch protocol's messages. Who says what when is in launch.c and sandbox.c. */
#include "protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

const char *launch_stage_name(enum launch_stage stage)
{
	static const char *const names[] = {
		[LAUNCH_CREATED] = "while it was created",
		[LAUNCH_SETUP] = "during its set-up",
		[LAUNCH_READY] = "while it waited for its start",
		[LAUNCH_START] = "before its start",
		[LAUNCH_EXEC] = "when it was to execute",
	};

	return names[stage];
}

int launch_send(int sync, const struct launch_record *record, int fd, struct error *err)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec data = { (void *)record, sizeof *record };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof fd),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(head), &fd, sizeof fd);
	}
	while (sendmsg(sync, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return error_errno(err, "launch protocol");
	return 0;
}

int launch_receive(int sync, struct launch_record *ret, int *ret_fd, struct error *err)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof *ret_fd)];
	struct iovec data = { ret, sizeof *ret };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *head;
	ssize_t got;

	*ret_fd = -1;
	do
		got = recvmsg(sync, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	/* A parent that died with an unread record in its queue resets instead of ending. */
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return 0;
	if (got < 0)
		return error_errno(err, "launch protocol");
	if (got != sizeof *ret || ret->stage > LAUNCH_EXEC)
		return error_set(err, ERROR_FAILED, "launch protocol: not a record");
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(head), sizeof *ret_fd);
	return 1;
}
