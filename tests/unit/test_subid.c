/* subuid(5), read as newuidmap(1) reads it. */
#include "../../src/kernel/subid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ranges_of_a_name_and_of_its_number_add_up(void **state)
{
	const char *text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\nann:400000:5\n";

	(void)state;
	assert_int_equal(subid_count(text, "ann", 1000), 65551);
	assert_int_equal(subid_count(text, NULL, 1000), 10);
	assert_int_equal(subid_count(text, "eve", 1003), 0);
}

static void odd_lines_give_nothing(void **state)
{
	(void)state;
	assert_int_equal(subid_count("", "ann", 1), 0);
	assert_int_equal(
		subid_count("ann\nann:1\nann:x:5\nann:1:-5\nann:1:2:3\n:1:2\n", "ann", 1), 0);
	assert_int_equal(subid_count("#ann:1:2\nann:99999999999:7\nann:5:7", "ann", 1), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_of_a_name_and_of_its_number_add_up),
		cmocka_unit_test(odd_lines_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
