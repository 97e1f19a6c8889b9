/* When a refused connection is told of. */
#include "supervisor/refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WEB      "connection to 93.184.216.34:443"
#define WEB_LINE "refused connection to 93.184.216.34:443: not an attached service"

static char text[REFUSED_TEXT];

static bool take(struct refused *refused, const char *what, uint64_t now)
{
	text[0] = '\0';
	return refused_take(refused, EGRESS_SERVICES, what, now, false, text);
}

static bool take_rest(struct refused *refused, uint64_t now)
{
	text[0] = '\0';
	return refused_take_rest(refused, EGRESS_SERVICES, now, text);
}

static void the_first_is_told_at_once(void **state)
{
	struct refused refused = { 0 };

	(void)state;
	assert_true(take(&refused, WEB, 0));
	assert_string_equal(text, WEB_LINE);
	assert_true(take(&refused, "datagram to 8.8.8.8:53", 1));
	assert_string_equal(text, "refused datagram to 8.8.8.8:53: not an attached service");
	assert_true(refused_take(&refused, EGRESS_NONE, "connection to [::9]:1", 2, false, text));
	assert_string_equal(text, "refused connection to [::9]:1: egress is none");
	assert_false(take_rest(&refused, UINT64_MAX));
	refused_done(&refused);
}

static void within_a_minute_it_is_counted(void **state)
{
	struct refused refused = { 0 };

	(void)state;
	assert_true(take(&refused, WEB, 1000));
	for (uint64_t now = 1001; now < 1042; now++)
		assert_false(take(&refused, WEB, now));
	assert_false(take(&refused, WEB, 60999));
	assert_true(take(&refused, WEB, 61000));
	assert_string_equal(text, WEB_LINE " (42 more times)");
	assert_false(take(&refused, WEB, 61001));
	assert_true(take(&refused, WEB, 200000));
	assert_string_equal(text, WEB_LINE " (1 more time)");
	assert_true(take(&refused, WEB, 260000));
	assert_string_equal(text, WEB_LINE);
	refused_done(&refused);
}

static void what_was_not_told_is_told_after_a_minute_or_at_the_end(void **state)
{
	struct refused refused = { 0 };

	(void)state;
	assert_true(take(&refused, WEB, 0));
	assert_false(take(&refused, WEB, 1));
	assert_false(take_rest(&refused, 59999));
	assert_true(take_rest(&refused, 60000));
	assert_string_equal(text, WEB_LINE " (1 more time)");
	assert_false(take_rest(&refused, 60000));
	assert_false(take(&refused, WEB, 60001));
	assert_true(take_rest(&refused, UINT64_MAX));
	assert_string_equal(text, WEB_LINE " (1 more time)");
	assert_false(take_rest(&refused, UINT64_MAX));
	refused_done(&refused);
}

static void a_quiet_one_is_told_by_the_next(void **state)
{
	struct refused refused = { 0 };

	(void)state;
	assert_false(refused_take(&refused, EGRESS_SERVICES, WEB, 100000, true, text));
	assert_true(take(&refused, WEB, 100001));
	assert_string_equal(text, WEB_LINE " (1 more time)");
	refused_done(&refused);
}

static void a_million_destinations_are_few_lines(void **state)
{
	struct refused refused = { 0 };
	unsigned lines = 0;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		char what[64];

		(void)snprintf(what, sizeof what, "connection to 10.0.0.1:%u", i);
		lines += take(&refused, what, i / 20);
	}
	assert_int_equal(lines, REFUSED_DESTINATIONS + 1);
	assert_true(take_rest(&refused, UINT64_MAX));
	assert_string_equal(text, "refused what went to further destinations: "
				  "not an attached service (999967 more times)");
	assert_false(take_rest(&refused, UINT64_MAX));
	refused_done(&refused);
}

static void an_old_destination_makes_room(void **state)
{
	struct refused refused = { 0 };

	(void)state;
	for (unsigned i = 0; i < REFUSED_DESTINATIONS; i++) {
		char what[64];

		(void)snprintf(what, sizeof what, "connection to 10.0.0.1:%u", i);
		assert_true(take(&refused, what, i));
	}
	assert_true(take(&refused, WEB, 60000));
	assert_string_equal(text, WEB_LINE);
	assert_true(take(&refused, "connection to 10.0.0.1:1", 60001));
	assert_string_equal(text, "refused connection to 10.0.0.1:1: not an attached service");
	refused_done(&refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_told_at_once),
		cmocka_unit_test(within_a_minute_it_is_counted),
		cmocka_unit_test(what_was_not_told_is_told_after_a_minute_or_at_the_end),
		cmocka_unit_test(a_quiet_one_is_told_by_the_next),
		cmocka_unit_test(a_million_destinations_are_few_lines),
		cmocka_unit_test(an_old_destination_makes_room),
	};

	return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
