/* Numbers: strtoul accepts signs, spaces and wraps around, and every one of those has been a
 * security hole somewhere (CVE-2024-40635), so digits are read here one by one. */
#include "base/number.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum { DIGITS = 20 }; /* of UINT64_MAX */

/* Reads the digits at *text and moves it behind them; 0: none, too many, or more than 64 bits. */
static int read_digits(const char **text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return 0;
	}
	if (at == *text || at - *text > DIGITS)
		return 0;
	*text = at;
	*ret = value;
	return 1;
}

int number_parse(const char *text, uint64_t max, uint64_t *ret, struct error *err)
{
	const char *at = text;
	uint64_t value;

	if (!read_digits(&at, &value) || *at || value > max)
		return error_set(err, ERROR_CONFIG, "\"%.40s\" is not a number from 0 to %" PRIu64,
			text, max);
	*ret = value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int read_with_unit(
	const char *text, const struct unit *units, size_t count, uint64_t max, uint64_t *ret)
{
	const char *at = text;
	uint64_t value;

	if (!read_digits(&at, &value))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(at, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(value, units[i].factor, ret))
			return 0;
		return *ret <= max;
	}
	return 0;
}

int number_parse_size(const char *text, uint64_t *ret, struct error *err)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", UINT64_C(1) << 10 },
		{ "M", UINT64_C(1) << 20 },
		{ "G", UINT64_C(1) << 30 },
		{ "T", UINT64_C(1) << 40 },
	};
	uint64_t value;

	if (!read_with_unit(text, units, sizeof units / sizeof *units, INT64_MAX, &value) ||
		value == 0)
		return error_set(err, ERROR_CONFIG,
			"\"%.40s\" is not a size (a number with an optional K, M, G or T)", text);
	*ret = value;
	return 0;
}

int number_parse_duration(const char *text, uint64_t *ret, struct error *err)
{
	static const struct unit units[] = {
		{ "", 1000 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
	};
	const uint64_t day = UINT64_C(24) * 60 * 60 * 1000;
	uint64_t value;

	if (!read_with_unit(text, units, sizeof units / sizeof *units, day, &value))
		return error_set(err, ERROR_CONFIG,
			"\"%.40s\" is not a time (a number with ms, s, m or h, at most 24h)", text);
	*ret = value;
	return 0;
}
