/* A growing byte buffer. Zeroed is empty; data is NUL-terminated whenever it is not NULL, the NUL
 * not counted in len. Running out of memory ends the process: no caller could go on. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t size;
};

/* Appends len bytes. */
void buf_add(struct buf *buf, const void *data, size_t len);

/* Appends a string without its NUL. */
void buf_add_str(struct buf *buf, const char *text);

/* Appends formatted text. */
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for at least len more bytes after data + len; the caller then advances len. */
void buf_reserve(struct buf *buf, size_t len);

/* Frees the contents; the buffer is empty and usable again. */
void buf_done(struct buf *buf);

/* Hands the NUL-terminated contents to the caller, who frees them; never NULL. */
char *buf_take(struct buf *buf);

#define CLEANUP_BUF __attribute__((cleanup(buf_done)))

#endif
