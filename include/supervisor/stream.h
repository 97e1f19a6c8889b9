/* The log stream: the output of many processes, and isorun's own events, as one stream of lines in
 * the order in which they came. A slow reader is waited for: the sources' pipes fill, and nothing
 * is lost; memory stays bounded. */
#ifndef SUPERVISOR_STREAM_H
#define SUPERVISOR_STREAM_H

#include "base/error.h"
#include "base/loop.h"
#include "supervisor/line.h"

#include <stdbool.h>

struct stream;
struct stream_source;

typedef void stream_on_call(void *context);

struct stream_config {
	int fd; /* borrowed, e.g. standard output */
	struct line_style style;
	stream_on_call *broken; /* nobody reads any more: called once; the rest is thrown away */
	void *context;
};

int stream_new(struct loop *loop, const struct stream_config *config, struct stream **ret,
	struct error *err);

/* Adds one process's output. *fd (the reading end of a pipe, made non-blocking) is taken over on
 * success. name is copied; index chooses the colour. */
int stream_add(struct stream *stream, const char *name, unsigned index, int *fd,
	struct stream_source **ret, struct error *err);

/* Says that every writer is dead: what is still in the pipe is read, then ended is called, perhaps
 * before this returns, and the source is gone. */
void stream_end(struct stream_source *source, stream_on_call *ended, void *context);

/* Adds one of isorun's own events, behind every line that was read so far. */
void stream_event(struct stream *stream, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether it waits for its reader: what can be said later should be. */
bool stream_is_full(const struct stream *stream);

/* Calls done, from the loop, once everything has been written or cannot be. */
void stream_finish(struct stream *stream, stream_on_call *done, void *context);

/* Whether nobody reads any more; err (may be NULL) says why. */
bool stream_is_broken(const struct stream *stream, struct error *err);

/* Frees everything, sources included; what has not been written is lost. NULL is fine. */
void stream_free(struct stream *stream);

#endif
