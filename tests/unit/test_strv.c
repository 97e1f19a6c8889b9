/* String vectors, and environments in them. */
#include "base/strv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void items_are_copies_and_end_with_null(void **state)
{
	CLEANUP_STRV struct strv strv = { 0 };
	char text[] = "one";

	(void)state;
	strv_add(&strv, text);
	text[0] = 'X';
	strv_addf(&strv, "%d", 2);
	assert_int_equal(strv.len, 2);
	assert_string_equal(strv.items[0], "one");
	assert_string_equal(strv.items[1], "2");
	assert_null(strv.items[2]);
}

static void all_items_of_another_are_added(void **state)
{
	CLEANUP_STRV struct strv strv = { 0 };
	CLEANUP_STRV struct strv other = { 0 };

	(void)state;
	strv_add_all(&other, &strv);
	assert_int_equal(other.len, 0);
	strv_add(&strv, "a");
	strv_add(&strv, "b");
	strv_add_all(&other, &strv);
	strv_add_all(&other, &strv);
	assert_int_equal(other.len, 4);
	assert_string_equal(other.items[3], "b");
	assert_true(strv_has(&other, "a"));
	assert_false(strv_has(&other, "c"));
	assert_false(strv_has(&(struct strv){ 0 }, "a"));
}

static void a_variable_is_found_by_its_whole_name(void **state)
{
	CLEANUP_STRV struct strv env = { 0 };

	(void)state;
	strv_add(&env, "PORTS=1");
	strv_add(&env, "PORT=5000");
	strv_add(&env, "EMPTY=");
	strv_add(&env, "ODD=a=b");
	assert_string_equal(strv_env_get(&env, "PORT"), "5000");
	assert_string_equal(strv_env_get(&env, "EMPTY"), "");
	assert_string_equal(strv_env_get(&env, "ODD"), "a=b");
	assert_null(strv_env_get(&env, "POR"));
	assert_null(strv_env_get(&(struct strv){ 0 }, "PORT"));
}

static void setting_a_variable_keeps_its_place(void **state)
{
	CLEANUP_STRV struct strv env = { 0 };

	(void)state;
	strv_env_set(&env, "A", "1");
	strv_env_set(&env, "B", "2");
	strv_env_set(&env, "A", "3");
	assert_int_equal(env.len, 2);
	assert_string_equal(env.items[0], "A=3");
	assert_string_equal(env.items[1], "B=2");
	assert_null(env.items[2]);
}

static void sorting_is_by_bytes(void **state)
{
	CLEANUP_STRV struct strv strv = { 0 };

	(void)state;
	strv_sort(&strv);
	strv_add(&strv, "b");
	strv_add(&strv, "\xc3\xa4");
	strv_add(&strv, "B");
	strv_add(&strv, "a");
	strv_sort(&strv);
	assert_string_equal(strv.items[0], "B");
	assert_string_equal(strv.items[1], "a");
	assert_string_equal(strv.items[2], "b");
	assert_string_equal(strv.items[3], "\xc3\xa4");
	assert_null(strv.items[4]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_copies_and_end_with_null),
		cmocka_unit_test(all_items_of_another_are_added),
		cmocka_unit_test(a_variable_is_found_by_its_whole_name),
		cmocka_unit_test(setting_a_variable_keeps_its_place),
		cmocka_unit_test(sorting_is_by_bytes),
	};

	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
