/* Errors: a fixed record filled by the function that failed and extended on the way up.
 *
 * Deliberately absent: printing (cli does that), codes beyond the exit status table, and any
 * allocation, because an error must be reportable when memory is what ran out. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One error is one line: a name taken from hostile input may hold newlines or escapes. The C1
 * controls, of which one starts a terminal's commands as ESC does, are two bytes of UTF-8. */
static void make_one_line(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}

static void format(char *text, size_t size, const char *fmt, va_list args)
{
	if (vsnprintf(text, size, fmt, args) < 0)
		text[0] = '\0';
	make_one_line(text);
}

/* "front: back", and where that is too long the middle goes: at its front an error says who failed,
 * at its end why; a long path stands between them. */
static void join(struct error *err, const char *front, const char *back)
{
	static const char cut[] = "...";
	char whole[2 * sizeof err->text + 2];
	size_t room = sizeof err->text - 1;
	size_t len = (size_t)snprintf(whole, sizeof whole, "%s: %s", front, back);

	if (len > room) {
		size_t half = (room - strlen(cut)) / 2;

		memmove(whole + half + strlen(cut), whole + len - half, half + 1);
		memcpy(whole + half, cut, strlen(cut));
	}
	memcpy(err->text, whole, strlen(whole) + 1);
}

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	err->errnum = 0;
	err->kind = kind;
	err->hint[0] = '\0';
	va_start(args, fmt);
	format(err->text, sizeof err->text, fmt, args);
	va_end(args);
	return -1;
}

int error_errno(struct error *err, const char *fmt, ...)
{
	int errnum = errno;
	const char *reason = strerror(errnum);
	va_list args;

	err->errnum = errnum;
	err->kind = ERROR_FAILED;
	err->hint[0] = '\0';
	va_start(args, fmt);
	format(err->text, sizeof err->text, fmt, args);
	va_end(args);
	join(err, err->text, reason);
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof err->text];
	va_list args;

	memcpy(inner, err->text, sizeof inner);
	va_start(args, fmt);
	format(err->text, sizeof err->text, fmt, args);
	va_end(args);
	join(err, err->text, inner);
	return -1;
}

int error_hint(struct error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(err->hint, sizeof err->hint, fmt, args);
	va_end(args);
	return -1;
}

int error_status(const struct error *err)
{
	static const int status[] = {
		[ERROR_FAILED] = 1,
		[ERROR_USAGE] = 2,
		[ERROR_INTEGRITY] = 3,
		[ERROR_CONFIG] = 4,
		[ERROR_NO_SUCH] = 5,
		[ERROR_LOCKED] = 6,
		[ERROR_UNSUPPORTED] = 8,
		[ERROR_NOT_EXECUTABLE] = 126,
		[ERROR_NOT_FOUND] = 127,
	};

	return status[err->kind];
}
