/* Times as the log stream writes them. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_printed(int64_t microseconds, const char *wanted)
{
	char text[CLOCK_TEXT];

	clock_print(microseconds, text);
	assert_string_equal(text, wanted);
}

static void times_are_utc_with_microseconds(void **state)
{
	(void)state;
	assert_printed(0, "1970-01-01T00:00:00.000000+00:00");
	assert_printed(INT64_C(1795176062123456), "2026-11-20T12:01:02.123456+00:00");
	assert_printed(INT64_C(951782400000001), "2000-02-29T00:00:00.000001+00:00");
}

static void times_before_1970_are_right_too(void **state)
{
	(void)state;
	assert_printed(-1, "1969-12-31T23:59:59.999999+00:00");
	assert_printed(-1000000, "1969-12-31T23:59:59.000000+00:00");
}

static void extreme_times_stay_in_their_buffer(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_print(INT64_MAX, text);
	assert_int_equal(strlen(text), CLOCK_TEXT - 1);
	clock_print(INT64_MIN, text);
	assert_int_equal(strlen(text), CLOCK_TEXT - 1);
}

static void the_time_zone_means_nothing(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "Asia/Kolkata", 1), 0);
	tzset();
	assert_printed(0, "1970-01-01T00:00:00.000000+00:00");
}

static void both_clocks_go_forward(void **state)
{
	uint64_t first = clock_now();
	const struct timespec pause = { .tv_nsec = 3000000 };

	(void)state;
	assert_int_equal(nanosleep(&pause, NULL), 0);
	assert_true(clock_now() - first >= 2 && clock_now() - first < 60000);
	assert_true(llabs(clock_real() / 1000000 - (int64_t)time(NULL)) <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_utc_with_microseconds),
		cmocka_unit_test(times_before_1970_are_right_too),
		cmocka_unit_test(extreme_times_stay_in_their_buffer),
		cmocka_unit_test(the_time_zone_means_nothing),
		cmocka_unit_test(both_clocks_go_forward),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
