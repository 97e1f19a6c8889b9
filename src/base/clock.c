/* Clocks, as numbers and as the RFC 3339 text of the log stream. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t clock_real(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_print(int64_t microseconds, char *text)
{
	/* Rounded down, before 1970 too, so that the rest is never negative. */
	time_t seconds = (time_t)(microseconds / 1000000 - (microseconds % 1000000 < 0));
	unsigned rest = (unsigned)((microseconds % 1000000 + 1000000) % 1000000);
	struct tm parts = { 0 };

	(void)gmtime_r(&seconds, &parts); /* fails only for years beyond int */
	(void)snprintf(text, CLOCK_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%06u+00:00",
		(unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
		(unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
		(unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100, rest);
}
