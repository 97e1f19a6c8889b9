/* Time. Durations come from the monotonic clock, what people read from the real one. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT = 33 }; /* room for clock_print's text and its NUL */

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t clock_now(void);

/* Microseconds of CLOCK_REALTIME since 1970. */
int64_t clock_real(void);

/* "2026-11-20T12:01:02.123456+00:00", always UTC, into text of CLOCK_TEXT bytes. */
void clock_print(int64_t microseconds, char *text);

#endif
