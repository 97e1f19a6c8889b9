/* Readiness probes. A refused connection is tried again after 1, 2, 4 … 100 ms: a process that
 * binds its port in ten milliseconds is published in little more, one that takes a minute is not
 * bothered thousands of times. One attempt may take ATTEMPT_MS.
 *
 * The request is three constant lines and only the status of the answer is looked at, so there is
 * no HTTP library here. */
#include "supervisor/probe.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { DELAY_FIRST = 1, DELAY_MAX = 100, ATTEMPT_MS = 5000, REQUEST_MAX = 2048, STATUS_MAX = 64 };

struct probe {
	struct probe_config config;
	struct probe **slot;
	int fd; /* -1 between attempts */
	bool sent;
	uint64_t delay;
	char answer[STATUS_MAX];
	size_t answer_len;
	char why[PROBE_TEXT];
	struct loop_timer *retry;   /* the next attempt, or the end of this one */
	struct loop_timer *timeout; /* of all */
};

static void attempt(void *context);

static void end_attempt(struct probe *probe)
{
	if (probe->fd < 0)
		return;
	loop_remove(probe->config.loop, probe->fd);
	cleanup_close(&probe->fd);
	probe->fd = -1;
}

void probe_cancel(struct probe **slot)
{
	struct probe *probe = *slot;

	if (!probe)
		return;
	end_attempt(probe);
	loop_cancel(probe->config.loop, &probe->retry);
	loop_cancel(probe->config.loop, &probe->timeout);
	free(probe);
	*slot = NULL;
}

static void finish(struct probe *probe, bool ready)
{
	struct probe_config config = probe->config;
	char why[PROBE_TEXT];

	memcpy(why, probe->why, sizeof why);
	probe_cancel(probe->slot);
	config.end(config.context, ready, why);
}

static void on_timeout(void *context)
{
	finish(context, false);
}

static void retry(struct probe *probe)
{
	end_attempt(probe);
	loop_after(probe->config.loop, probe->delay, attempt, probe, &probe->retry);
	probe->delay = probe->delay * 2 < DELAY_MAX ? probe->delay * 2 : DELAY_MAX;
}

static void on_slow(void *context)
{
	struct probe *probe = context;

	if (probe->sent)
		(void)snprintf(probe->why, sizeof probe->why, "does not answer GET %s",
			probe->config.path); /* may be cut */
	retry(probe);
}

unsigned probe_parse_status(const char *text)
{
	unsigned major, minor, status;

	if (sscanf(text, "HTTP/%1u.%1u %3u", &major, &minor, &status) != 3)
		return 0;
	return status >= 100 ? status : 0;
}

static void judge(struct probe *probe)
{
	unsigned status;

	probe->answer[probe->answer_len] = '\0';
	status = probe_parse_status(probe->answer);
	if (status >= 200 && status < 400) {
		finish(probe, true);
		return;
	}
	if (status > 0)
		(void)snprintf(probe->why, sizeof probe->why, "answers GET %s with status %u",
			probe->config.path, status); /* may be cut */
	else
		(void)snprintf(probe->why, sizeof probe->why, "does not answer GET %s in HTTP",
			probe->config.path); /* may be cut */
	retry(probe);
}

static void read_answer(struct probe *probe)
{
	size_t room = sizeof probe->answer - 1 - probe->answer_len;
	ssize_t got = recv(probe->fd, probe->answer + probe->answer_len, room, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		probe->answer_len += (size_t)got;
	if (got <= 0 || got == (ssize_t)room || memchr(probe->answer, '\n', probe->answer_len))
		judge(probe);
}

static void send_request(struct probe *probe)
{
	struct error ignored;
	char request[REQUEST_MAX];
	int len = snprintf(request, sizeof request,
		"GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: isorun\r\nAccept: */*\r\n"
		"Connection: close\r\n\r\n",
		probe->config.path);

	/* It fits into any fresh socket's buffer; a path too long for the request was cut, and the
	 * answer will say so. */
	if (len >= (int)sizeof request)
		len = sizeof request - 1;
	if (send(probe->fd, request, (size_t)len, MSG_NOSIGNAL) != len ||
		loop_change(probe->config.loop, probe->fd, EPOLLIN, &ignored) < 0) {
		retry(probe);
		return;
	}
	probe->sent = true;
}

static void on_socket(void *context, int fd, uint32_t events)
{
	struct probe *probe = context;
	int errnum = 0;
	socklen_t size = sizeof errnum;

	(void)events;
	if (probe->sent)
		read_answer(probe);
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &size) < 0 || errnum != 0)
		retry(probe);
	else if (probe->config.path)
		send_request(probe);
	else
		finish(probe, true);
}

static void attempt(void *context)
{
	struct probe *probe = context;
	struct error ignored;

	probe->sent = false;
	probe->answer_len = 0;
	probe->fd = probe->config.dial(probe->config.context);
	if (probe->fd < 0 ||
		loop_add(probe->config.loop, probe->fd, EPOLLOUT, on_socket, probe, &ignored) < 0) {
		cleanup_close(&probe->fd);
		probe->fd = -1;
		retry(probe);
		return;
	}
	loop_after(probe->config.loop, ATTEMPT_MS, on_slow, probe, &probe->retry);
}

void probe_start(const struct probe_config *config, struct probe **slot)
{
	struct probe *probe = memory_new(1, sizeof *probe);

	probe->config = *config;
	probe->slot = slot;
	probe->fd = -1;
	probe->delay = DELAY_FIRST;
	*slot = probe;
	loop_after(config->loop, config->timeout, on_timeout, probe, &probe->timeout);
	attempt(probe);
}
