/* Allocation that cannot fail: when memory is exhausted the process ends by abort(3), because no
 * half-built value is worth carrying on with. Sizes that overflow count as exhausted. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* A zeroed array of count elements of size bytes; the caller frees it. count 0 gives a pointer. */
void *memory_new(size_t count, size_t size);

/* realloc(3) for an array; new elements are not zeroed. */
void *memory_resize(void *old, size_t count, size_t size);

/* A copy of a string; NULL gives NULL. The caller frees it. */
char *memory_copy_str(const char *text);

/* Formatted text in memory of its own; the caller frees it. */
char *memory_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
