/* Plain text files that people write, read line by line with positions for errors. */
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include "base/error.h"

#include <stddef.h>

/* Checks that text is UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) without
 * NUL; else "FILE:LINE:COLUMN: …", ERROR_CONFIG. */
int text_check(const char *file, const char *text, size_t len, struct error *err);

/* An error at the place at (within text or at its end): "FILE:LINE:COLUMN: fmt", ERROR_CONFIG.
 * Columns count bytes from 1. */
int text_error(const char *file, const char *text, const char *at, struct error *err,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The length of a UTF-8 byte order mark at the start of text: 3 or 0. */
size_t text_bom(const char *text, size_t len);

/* Whether a string is UTF-8 (RFC 3629). */
int text_is_utf8(const char *text, size_t len);

#endif
