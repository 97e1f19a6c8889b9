/* The log stream.
 *
 * Theory of operation: every source is a pipe in the loop. One event is one read of at most SCRATCH
 * bytes, so that a chatty process cannot starve a quiet one. The cutter makes lines of it in the
 * outlet's buffer. The outlet writes when the round of the loop ends, so that many short lines
 * become few system calls.
 *
 * While the outlet is full a source that has something to say is taken out of the loop, and all of
 * them come back when there is room. Nothing is dropped: the pipe fills and the process waits, as
 * it would with any slow terminal. Signals, exits and timers go on meanwhile.
 *
 * A process has one pipe for standard output and error: only so is the order of the two kept. */
#include "supervisor/stream.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cutter.h"
#include "supervisor/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	SCRATCH = 1 << 16,
	EVENT_MAX = 1024,
	DRAIN_MAX = 1 << 21 /* twice what the largest pipe holds */
};

struct stream_source {
	struct stream *stream;
	struct stream_source *next;
	int fd; /* -1 once its end was read */
	bool paused;
	struct cutter cutter;
	size_t drained; /* bytes read since its writers died */
	stream_on_call *ended;
	void *context;
};

struct stream {
	struct loop *loop;
	struct stream_config config;
	struct outlet *outlet;
	struct stream_source *sources;
	size_t paused;
	const void *midline; /* of the cutters */
	bool told_broken;
	stream_on_call *done;
	void *done_context;
	struct loop_timer *finish;
	char scratch[SCRATCH];
};

static void resume_sources(struct stream *stream);

static void on_outlet(void *context)
{
	struct stream *stream = context;

	if (outlet_is_broken(stream->outlet, NULL) && !stream->told_broken) {
		stream->told_broken = true;
		if (stream->config.broken)
			stream->config.broken(stream->config.context);
	}
	resume_sources(stream);
	if (stream->done && outlet_is_empty(stream->outlet)) {
		stream_on_call *done = STEAL(stream->done);

		done(stream->done_context);
	}
}

int stream_new(struct loop *loop, const struct stream_config *config, struct stream **ret,
	struct error *err)
{
	struct stream *stream = memory_new(1, sizeof *stream);

	(void)err; /* nothing can go wrong yet: the signature is that of every _new */
	stream->loop = loop;
	stream->config = *config;
	stream->outlet = outlet_new(loop, config->fd, on_outlet, stream);
	*ret = stream;
	return 0;
}

static void take_end(struct stream_source *source)
{
	loop_remove(source->stream->loop, source->fd);
	cleanup_close(&source->fd);
	source->fd = -1;
	cutter_end(&source->cutter, outlet_buf(source->stream->outlet));
	outlet_touch(source->stream->outlet);
}

static void take(struct stream_source *source, size_t len)
{
	struct stream *stream = source->stream;

	cutter_take(&source->cutter, stream->scratch, len, outlet_buf(stream->outlet));
	outlet_touch(stream->outlet);
}

static void pause_source(struct stream_source *source)
{
	loop_remove(source->stream->loop, source->fd);
	source->paused = true;
	source->stream->paused++;
}

/* Reads once. False: there is nothing more for now, or ever (then fd is -1). */
static bool read_once(struct stream_source *source)
{
	struct stream *stream = source->stream;
	ssize_t got;

	if (outlet_is_full(stream->outlet)) {
		pause_source(source);
		return false;
	}
	got = read(source->fd, stream->scratch, sizeof stream->scratch);
	source->drained += got > 0 && source->ended ? (size_t)got : 0;
	if (got > 0)
		take(source, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		take_end(source);
	return got > 0 || (got < 0 && errno == EINTR);
}

static void forget_source(struct stream_source *source)
{
	struct stream_source **at = &source->stream->sources;

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	if (source->fd >= 0)
		loop_remove(source->stream->loop, source->fd);
	cleanup_close(&source->fd);
	cutter_done(&source->cutter);
	free(source->cutter.name);
	free(source);
}

/* With its writers dead: reads to the end, unless the outlet is full, which resumes it later. A
 * pipe that is empty but open is held by a process outside (a descriptor sent over a socket), which
 * is not waited for. */
static void drain(struct stream_source *source)
{
	stream_on_call *ended = source->ended;
	void *context = source->context;

	while (source->fd >= 0 && source->drained < DRAIN_MAX && read_once(source))
		;
	if (source->paused)
		return;
	if (source->fd >= 0)
		take_end(source);
	forget_source(source);
	ended(context);
}

static void on_readable(void *context, int fd, uint32_t events)
{
	(void)fd, (void)events;
	(void)read_once(context); /* what is left makes the next event */
}

int stream_add(struct stream *stream, const char *name, unsigned index, int *fd,
	struct stream_source **ret, struct error *err)
{
	struct stream_source *source;
	int flags = fcntl(*fd, F_GETFL);

	if (flags < 0 || fcntl(*fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, "log stream of %s", name);
	source = memory_new(1, sizeof *source);
	if (loop_add(stream->loop, *fd, EPOLLIN, on_readable, source, err) < 0) {
		free(source);
		return error_wrap(err, "log stream of %s", name);
	}
	source->stream = stream;
	source->fd = steal_fd(fd);
	source->cutter = (struct cutter){
		.style = &stream->config.style,
		.midline = &stream->midline,
		.name = memory_copy_str(name),
		.index = index,
	};
	source->next = stream->sources;
	stream->sources = source;
	*ret = source;
	return 0;
}

void stream_end(struct stream_source *source, stream_on_call *ended, void *context)
{
	source->ended = ended;
	source->context = context;
	if (!source->paused)
		drain(source);
}

/* Draining one may fill the outlet again or call back into the stream, so the search starts anew
 * after each. */
static void resume_sources(struct stream *stream)
{
	struct stream_source *source = stream->sources;
	struct error ignored;

	while (source && stream->paused > 0 && !outlet_is_full(stream->outlet)) {
		if (!source->paused) {
			source = source->next;
			continue;
		}
		source->paused = false;
		stream->paused--;
		if (source->ended)
			drain(source);
		else if (loop_add(stream->loop, source->fd, EPOLLIN, on_readable, source,
				 &ignored) < 0)
			take_end(source); /* out of kernel memory: nothing better is left to do */
		source = stream->sources;
	}
}

void stream_event(struct stream *stream, const char *name, const char *fmt, ...)
{
	struct buf *out = outlet_buf(stream->outlet);
	char text[EVENT_MAX];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof text, fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	cutter_break_line(&stream->midline, out);
	line_add_event(&stream->config.style, name, clock_real(), text, out);
	outlet_touch(stream->outlet);
}

bool stream_is_full(const struct stream *stream)
{
	return outlet_is_full(stream->outlet);
}

void stream_finish(struct stream *stream, stream_on_call *done, void *context)
{
	stream->done = done;
	stream->done_context = context;
	loop_after(stream->loop, 0, on_outlet, stream, &stream->finish);
}

bool stream_is_broken(const struct stream *stream, struct error *err)
{
	return outlet_is_broken(stream->outlet, err);
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	while (stream->sources)
		forget_source(stream->sources);
	loop_cancel(stream->loop, &stream->finish);
	outlet_free(stream->outlet);
	free(stream);
}
