/* How a line of the log stream looks, in each format. Pure: bytes and a time in, bytes out. */
#ifndef SUPERVISOR_LINE_H
#define SUPERVISOR_LINE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum line_format {
	LINE_TEXT,   /* 12:01:02 web.1    | GET / 200	(Foreman's; local time) */
	LINE_HEROKU, /* 2026-11-20T12:01:02.123456+00:00 app[web.1]: GET / 200 */
	LINE_JSON,   /* {"message":"GET / 200","process":"web.1","source":"app","time":"…"} */
	LINE_RAW,    /* GET / 200 */
};

struct line_style {
	enum line_format format;
	bool color;     /* LINE_TEXT only */
	unsigned width; /* LINE_TEXT only: of the widest name (line_width) */
};

/* "text", "heroku", "json", "raw"; "auto" or NULL is text on a terminal and heroku elsewhere. */
int line_format_parse(const char *text, bool terminal, enum line_format *ret, struct error *err);

/* Foreman's column: the longest type name, six at least, then a dot and the largest number. */
unsigned line_width(size_t longest_type, unsigned largest_number);

/* What stands before the text of every line of name at that time (microseconds since 1970). index
 * chooses the colour. Appends to ret; nothing for JSON and raw. */
void line_add_prefix(const struct line_style *style, const char *name, unsigned index, int64_t time,
	struct buf *ret);

/* A whole line in JSON; bytes that are not UTF-8 become U+FFFD. partial: more of it follows. */
void line_add_json(const char *name, const char *source, int64_t time, const char *text, size_t len,
	bool partial, struct buf *ret);

/* One of isorun's own events, "isorun[web.1]: text", as a whole line. */
void line_add_event(const struct line_style *style, const char *name, int64_t time,
	const char *text, struct buf *ret);

#endif
