/* Buffers grow by doubling and stay NUL-terminated, so that text in one can be used as a string. */
#include "base/buf.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 128 };

void buf_reserve(struct buf *buf, size_t len)
{
	size_t wanted;
	size_t size = buf->size ? buf->size : SMALLEST;

	if (__builtin_add_overflow(buf->len, len, &wanted) || wanted >= (size_t)-1 / 4)
		abort();
	while (size < wanted + 1)
		size *= 2;
	if (size == buf->size)
		return;
	buf->data = memory_resize(buf->data, size, 1);
	buf->size = size;
	buf->data[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	buf_reserve(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	buf_reserve(buf, (size_t)len);
	va_start(args, fmt);
	(void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args); /* measured above */
	va_end(args);
	buf->len += (size_t)len;
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

char *buf_take(struct buf *buf)
{
	char *data;

	buf_reserve(buf, 0);
	data = buf->data;
	*buf = (struct buf){ 0 };
	return data;
}
