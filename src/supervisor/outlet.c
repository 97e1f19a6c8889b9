/* Writing to somebody else's descriptor from an event loop.
 *
 * O_NONBLOCK belongs to the open file, not to the descriptor: set on our standard output it would
 * surprise the shell that shares it. So a pipe or a terminal is opened anew through /proc; a
 * socket is written to with MSG_DONTWAIT; a file never makes anybody wait. Where opening anew is
 * not possible, poll(2) is asked first and no more than PIPE_BUF is written, which it then promises
 * to take.
 *
 * A full disk is a slow reader: everything is kept and tried again every second. Any other failure
 * (the reader has gone) is final.
 *
 * Deliberately absent: lines and formats (stream.c). */
#include "supervisor/outlet.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	FLUSH_AT = 1 << 17,
	FULL = 1 << 20,
	ROOM = FULL / 4,
	RETRY_MS = 1000,
};

enum manner {
	MANNER_PLAIN, /* a file, or a descriptor of our own that does not block */
	MANNER_SOCKET,
	MANNER_CAREFUL, /* may block: poll, then PIPE_BUF at most */
};

struct outlet {
	struct loop *loop;
	int fd;
	bool own;
	enum manner manner;
	struct buf kept;
	size_t head;  /* of kept, already written */
	bool waiting; /* for room in the pipe, or for RETRY_MS to pass */
	int broken;   /* errno; 0: it works */
	outlet_on_change *call;
	void *context;
	struct loop_timer *flush;
	struct loop_timer *retry;
};

static void choose_manner(struct outlet *outlet)
{
	char path[32];
	struct stat status;
	int again;

	if (fstat(outlet->fd, &status) < 0 || S_ISREG(status.st_mode))
		return;
	outlet->manner = S_ISSOCK(status.st_mode) ? MANNER_SOCKET : MANNER_CAREFUL;
	if (outlet->manner == MANNER_SOCKET)
		return;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", outlet->fd); /* fits */
	again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (again < 0)
		return;
	outlet->fd = again;
	outlet->own = true;
	outlet->manner = MANNER_PLAIN;
}

struct outlet *outlet_new(struct loop *loop, int fd, outlet_on_change *call, void *context)
{
	struct outlet *outlet = memory_new(1, sizeof *outlet);

	outlet->loop = loop;
	outlet->fd = fd;
	outlet->call = call;
	outlet->context = context;
	choose_manner(outlet);
	return outlet;
}

struct buf *outlet_buf(struct outlet *outlet)
{
	return &outlet->kept;
}

static size_t kept_len(const struct outlet *outlet)
{
	return outlet->kept.len - outlet->head;
}

static ssize_t put_some(struct outlet *outlet)
{
	const char *data = outlet->kept.data + outlet->head;
	size_t len = kept_len(outlet);
	struct pollfd poller = { .fd = outlet->fd, .events = POLLOUT };

	switch (outlet->manner) {
	case MANNER_SOCKET:
		return send(outlet->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case MANNER_CAREFUL:
		if (poll(&poller, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(outlet->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
	case MANNER_PLAIN:
		break;
	}
	return write(outlet->fd, data, len);
}

static void discard(struct outlet *outlet)
{
	outlet->kept.len = 0;
	outlet->head = 0;
}

static void stop_waiting(struct outlet *outlet)
{
	loop_remove(outlet->loop, outlet->fd);
	loop_cancel(outlet->loop, &outlet->retry);
	outlet->waiting = false;
}

static void flush(struct outlet *outlet);

static void tell_change(struct outlet *outlet, size_t before)
{
	bool room = before > ROOM && kept_len(outlet) <= ROOM;

	if (room || kept_len(outlet) == 0)
		outlet->call(outlet->context);
}

static void on_writable(void *context, int fd, uint32_t events)
{
	struct outlet *outlet = context;
	size_t before = kept_len(outlet);

	(void)fd, (void)events;
	stop_waiting(outlet);
	flush(outlet);
	tell_change(outlet, before);
}

static void on_retry(void *context)
{
	on_writable(context, -1, 0);
}

static void on_flush(void *context);

/* The owner is told from the loop, never from within outlet_touch. */
static void break_with(struct outlet *outlet, int errnum)
{
	outlet->broken = errnum;
	discard(outlet);
	loop_after(outlet->loop, 0, on_flush, outlet, &outlet->flush);
}

static void wait_for_room(struct outlet *outlet, int errnum)
{
	struct error ignored;

	outlet->waiting = true;
	if ((errnum == EAGAIN || errnum == EWOULDBLOCK) &&
		loop_add(outlet->loop, outlet->fd, EPOLLOUT, on_writable, outlet, &ignored) == 0)
		return;
	loop_after(outlet->loop, RETRY_MS, on_retry, outlet, &outlet->retry);
}

/* Moves what is kept to the front once that is cheap. */
static void compact(struct outlet *outlet)
{
	size_t len = kept_len(outlet);

	if (len == 0) {
		discard(outlet);
	} else if (outlet->head >= len) {
		memcpy(outlet->kept.data, outlet->kept.data + outlet->head, len);
		outlet->kept.len = len;
		outlet->head = 0;
	}
}

static void flush(struct outlet *outlet)
{
	while (!outlet->broken && !outlet->waiting && kept_len(outlet) > 0) {
		ssize_t put = put_some(outlet);

		if (put >= 0)
			outlet->head += (size_t)put;
		else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOSPC ||
			 errno == EDQUOT)
			wait_for_room(outlet, errno);
		else if (errno != EINTR)
			break_with(outlet, errno);
	}
	compact(outlet);
}

static void on_flush(void *context)
{
	struct outlet *outlet = context;

	flush(outlet);
	if (kept_len(outlet) == 0)
		outlet->call(outlet->context);
}

void outlet_touch(struct outlet *outlet)
{
	if (outlet->broken)
		discard(outlet);
	if (kept_len(outlet) == 0 || outlet->waiting)
		return;
	if (kept_len(outlet) >= FLUSH_AT)
		flush(outlet);
	else if (!outlet->flush)
		loop_after(outlet->loop, 0, on_flush, outlet, &outlet->flush);
}

bool outlet_is_full(const struct outlet *outlet)
{
	return kept_len(outlet) >= FULL;
}

bool outlet_is_empty(const struct outlet *outlet)
{
	return kept_len(outlet) == 0;
}

bool outlet_is_broken(const struct outlet *outlet, struct error *err)
{
	if (outlet->broken && err) {
		errno = outlet->broken;
		error_errno(err, "log stream");
	}
	return outlet->broken != 0;
}

void outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return;
	stop_waiting(outlet);
	loop_cancel(outlet->loop, &outlet->flush);
	buf_done(&outlet->kept);
	if (outlet->own)
		cleanup_close(&outlet->fd);
	free(outlet);
}
