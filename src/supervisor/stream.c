/* The log stream.
 *
 * Theory of operation: every source is a pipe in the loop. One event is one read of at most SCRATCH
 * bytes, so that a chatty process cannot starve a quiet one. The read is cut into lines; each whole
 * line is copied behind the prefix of this read (one time for all of them) into the outlet's
 * buffer. What is left of an unfinished line is carried over to the next read. The outlet writes
 * when the round of the loop ends, so that many short lines become few system calls.
 *
 * While the outlet is full a source that has something to say is taken out of the loop, and all of
 * them come back when there is room. Nothing is dropped: the pipe fills and the process waits, as
 * it would with any slow terminal. Signals, exits and timers go on meanwhile.
 *
 * A line longer than LINE_LIMIT is cut into pieces, marked with an ellipsis on both sides of the
 * cut (in JSON: "partial"), so that memory stays bounded. Raw output is passed as it is.
 *
 * A process has one pipe for standard output and error: only so is the order of the two kept. */
#include "supervisor/stream.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "supervisor/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	SCRATCH = 1 << 16,
	LINE_LIMIT = 1 << 16,
	EVENT_MAX = 1024,
	CARRY_KEPT = 1 << 10,
	DRAIN_MAX = 1 << 21 /* twice what the largest pipe holds */
};

#define ELLIPSIS "\xe2\x80\xa6"

struct stream_source {
	struct stream *stream;
	struct stream_source *next;
	int fd; /* -1 once its end was read */
	char *name;
	unsigned index;
	bool paused;
	bool continued;   /* carry goes on with a line whose first piece was written already */
	struct buf carry; /* of an unfinished line */
	struct buf prefix;
	int64_t time;   /* of the prefix */
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
	const void *midline; /* raw: whose unfinished line the output ends with; NULL: nobody's */
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

static void add_bytes(struct buf *out, const char *data, size_t len)
{
	if (out->size - out->len <= len)
		buf_reserve(out, len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

/* One line of output, or one piece of one, without its newline. */
static void put_piece(struct stream_source *source, const char *text, size_t len, bool partial)
{
	struct stream *stream = source->stream;
	struct buf *out = outlet_buf(stream->outlet);

	if (stream->config.style.format == LINE_JSON) {
		line_add_json(source->name, "app", source->time, text, len, partial, out);
		return;
	}
	add_bytes(out, source->prefix.data, source->prefix.len);
	if (source->continued)
		add_bytes(out, ELLIPSIS, sizeof ELLIPSIS - 1);
	add_bytes(out, text, len);
	if (partial)
		add_bytes(out, ELLIPSIS, sizeof ELLIPSIS - 1);
	add_bytes(out, "\n", 1);
}

/* How much of a long line makes a piece: not more than the limit, and no UTF-8 sequence cut. */
static size_t piece_len(const char *text)
{
	size_t len = LINE_LIMIT;

	while (len > LINE_LIMIT - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return ((unsigned char)text[len] & 0xc0) == 0x80 ? LINE_LIMIT : len;
}

/* Raw: as it came, but the lines of two processes are not mixed if they are of bearable length. */
static void put_raw(struct stream_source *source, const char *text, size_t len, bool newline)
{
	struct stream *stream = source->stream;
	struct buf *out = outlet_buf(stream->outlet);

	if (stream->midline && stream->midline != source)
		add_bytes(out, "\n", 1);
	add_bytes(out, text, len);
	if (newline)
		add_bytes(out, "\n", 1);
	stream->midline = newline ? NULL : source;
}

static void put_line(struct stream_source *source, const char *text, size_t len)
{
	if (source->stream->config.style.format == LINE_RAW) {
		put_raw(source, text, len, true);
		return;
	}
	while (len > LINE_LIMIT) {
		size_t piece = piece_len(text);

		put_piece(source, text, piece, true);
		source->continued = true;
		text += piece;
		len -= piece;
	}
	put_piece(source, text, len, false);
	source->continued = false;
}

/* Writes what of an unfinished line would be too much to carry. */
static void put_excess(struct stream_source *source)
{
	struct buf *carry = &source->carry;
	size_t at = 0;

	while (carry->len - at > LINE_LIMIT) {
		size_t piece = piece_len(carry->data + at);

		if (source->stream->config.style.format == LINE_RAW)
			put_raw(source, carry->data + at, piece, false);
		else
			put_piece(source, carry->data + at, piece, true);
		source->continued = true;
		at += piece;
	}
	memmove(carry->data, carry->data + at, carry->len - at);
	carry->len -= at;
}

static void renew_prefix(struct stream_source *source)
{
	const struct line_style *style = &source->stream->config.style;
	int64_t now = clock_real();
	bool same = style->format == LINE_TEXT && source->prefix.len > 0 &&
		    now / 1000000 == source->time / 1000000;

	source->time = now;
	if (same)
		return;
	source->prefix.len = 0;
	line_add_prefix(style, source->name, source->index, now, &source->prefix);
}

static void empty_carry(struct stream_source *source)
{
	source->carry.len = 0;
	if (source->carry.size > CARRY_KEPT)
		buf_done(&source->carry);
}

static void take(struct stream_source *source, const char *data, size_t len)
{
	const char *end = data + len;
	const char *newline;

	renew_prefix(source);
	while ((newline = memchr(data, '\n', (size_t)(end - data)))) {
		size_t line = (size_t)(newline - data);

		if (source->carry.len > 0 || source->continued) {
			buf_add(&source->carry, data, line);
			put_line(source, source->carry.data, source->carry.len);
			empty_carry(source);
			source->continued = false;
		} else {
			put_line(source, data, line);
		}
		data = newline + 1;
	}
	if (data < end) {
		buf_add(&source->carry, data, (size_t)(end - data));
		put_excess(source);
	}
	outlet_touch(source->stream->outlet);
}

/* The last line may lack its newline. */
static void take_end(struct stream_source *source)
{
	loop_remove(source->stream->loop, source->fd);
	cleanup_close(&source->fd);
	source->fd = -1;
	if (source->carry.len == 0)
		return;
	renew_prefix(source);
	if (source->stream->config.style.format == LINE_RAW)
		put_raw(source, source->carry.data, source->carry.len, false);
	else
		put_line(source, source->carry.data, source->carry.len);
	empty_carry(source);
	outlet_touch(source->stream->outlet);
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
		take(source, stream->scratch, (size_t)got);
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
	if (source->stream->midline == source)
		source->stream->midline = source->stream; /* nobody else's either */
	if (source->fd >= 0)
		loop_remove(source->stream->loop, source->fd);
	cleanup_close(&source->fd);
	buf_done(&source->carry);
	buf_done(&source->prefix);
	free(source->name);
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
	source->name = memory_copy_str(name);
	source->index = index;
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
	if (stream->midline) {
		add_bytes(out, "\n", 1);
		stream->midline = NULL;
	}
	line_add_event(&stream->config.style, name, clock_real(), text, out);
	outlet_touch(stream->outlet);
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
