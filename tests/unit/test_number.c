/* Numbers as people and attackers write them (CVE-2024-40635, CVE-2026-30892). */
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void digits_are_read_up_to_the_bound(void **state)
{
	struct error err;
	uint64_t value;

	(void)state;
	assert_int_equal(number_parse("0", 10, &value, &err), 0);
	assert_int_equal(value, 0);
	assert_int_equal(number_parse("0010", 10, &value, &err), 0);
	assert_int_equal(value, 10);
	assert_int_equal(number_parse("18446744073709551615", UINT64_MAX, &value, &err), 0);
	assert_true(value == UINT64_MAX);
}

static void anything_else_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = { "", "-1", "+0", " 1", "1 ", "0x0", "1:", ":", "1e3",
		"11", "18446744073709551616", "99999999999999999999999", "\xd9\xa1", "1\n",
		"000000000000000000001" };
	struct error err;
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(number_parse(bad[i], 10, &value, &err), -1);
		assert_int_equal(value, 77);
	}
}

static void the_error_names_text_and_bound(void **state)
{
	struct error err;
	uint64_t value;

	(void)state;
	assert_int_equal(number_parse("1000 ", 4294967294, &value, &err), -1);
	assert_string_equal(err.text, "\"1000 \" is not a number from 0 to 4294967294");
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void sizes_have_units(void **state)
{
	struct error err;
	uint64_t value;

	(void)state;
	assert_int_equal(number_parse_size("4096", &value, &err), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(number_parse_size("256M", &value, &err), 0);
	assert_int_equal(value, 268435456);
	assert_int_equal(number_parse_size("1T", &value, &err), 0);
	assert_true(value == UINT64_C(1) << 40);
}

static void odd_sizes_are_refused(void **state)
{
	static const char *const bad[] = { "", "0", "0M", "M", "1.5G", "1m", "1MB", "1 M",
		"9223372036854775808", "16777216T", "-1K" };
	struct error err;
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(number_parse_size(bad[i], &value, &err), -1);
	assert_int_equal(value, 77);
	assert_string_equal(
		err.text, "\"-1K\" is not a size (a number with an optional K, M, G or T)");
}

static void durations_are_seconds_unless_said(void **state)
{
	struct error err;
	uint64_t value;

	(void)state;
	assert_int_equal(number_parse_duration("500ms", &value, &err), 0);
	assert_int_equal(value, 500);
	assert_int_equal(number_parse_duration("10", &value, &err), 0);
	assert_int_equal(value, 10000);
	assert_int_equal(number_parse_duration("5m", &value, &err), 0);
	assert_int_equal(value, 300000);
	assert_int_equal(number_parse_duration("24h", &value, &err), 0);
	assert_int_equal(value, 86400000);
}

static void odd_durations_are_refused(void **state)
{
	static const char *const bad[] = { "", "s", "1d", "1 s", "25h", "86400001ms",
		"18446744073709551615s", "10M" };
	struct error err;
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(number_parse_duration(bad[i], &value, &err), -1);
	assert_int_equal(value, 77);
	assert_string_equal(
		err.text, "\"10M\" is not a time (a number with ms, s, m or h, at most 24h)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_read_up_to_the_bound),
		cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
		cmocka_unit_test(the_error_names_text_and_bound),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(odd_sizes_are_refused),
		cmocka_unit_test(durations_are_seconds_unless_said),
		cmocka_unit_test(odd_durations_are_refused),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
