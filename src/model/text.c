/* Positions and UTF-8 for the line formats (Procfile, env files); JSON has both from jansson. */
#include "model/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the character at text, 0 where it is none. */
static size_t character(const unsigned char *text, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = text[0] < 0x80       ? 1
		      : text[0] >> 5 == 6  ? 2
		      : text[0] >> 4 == 14 ? 3
		      : text[0] >> 3 == 30 ? 4
					   : 0;
	uint32_t code = size == 1 ? text[0] : text[0] & (0x7fu >> size);

	if (size == 0 || size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return size;
}

static const char *find_bad(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t size = character((const unsigned char *)text + at, len - at);

		if (size == 0)
			return text + at;
		at += size;
	}
	return NULL;
}

int text_is_utf8(const char *text, size_t len)
{
	return !find_bad(text, len);
}

int text_check(const char *file, const char *text, size_t len, struct error *err)
{
	const char *bad = len ? find_bad(text, len) : NULL;
	const char *nul = len ? memchr(text, '\0', len) : NULL;

	if (bad && (!nul || bad < nul))
		return text_error(file, text, bad, err, "not UTF-8");
	if (nul)
		return text_error(file, text, nul, err, "holds a NUL byte");
	return 0;
}

int text_error(
	const char *file, const char *text, const char *at, struct error *err, const char *fmt, ...)
{
	char message[sizeof err->text];
	unsigned line = 1, column = 1;
	va_list args;

	for (const char *c = text; c < at; c++) {
		column = *c == '\n' ? 1 : column + 1;
		line += *c == '\n';
	}
	va_start(args, fmt);
	(void)vsnprintf(message, sizeof message, fmt, args); /* cut is fine */
	va_end(args);
	return error_set(err, ERROR_CONFIG, "%s:%u:%u: %s", file, line, column, message);
}

size_t text_bom(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}
