/* Buffers grow and stay NUL-terminated. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void text_is_appended_and_terminated(void **state)
{
	CLEANUP_BUF struct buf buf = { 0 };

	(void)state;
	buf_add_str(&buf, "one");
	buf_addf(&buf, " %d %s", 2, "three");
	buf_add(&buf, " four!", 5);
	assert_string_equal(buf.data, "one 2 three four");
	assert_int_equal(buf.len, 16);
}

static void it_grows_over_many_sizes(void **state)
{
	CLEANUP_BUF struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		char c = (char)('a' + i % 26);

		buf_add(&buf, &c, 1);
		assert_int_equal(buf.data[buf.len], '\0');
	}
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
}

static void nothing_appended_is_a_text_too(void **state)
{
	CLEANUP_BUF struct buf buf = { 0 };

	(void)state;
	buf_add(&buf, NULL, 0);
	assert_string_equal(buf.data, "");
	buf_addf(&buf, "%s", "");
	assert_int_equal(buf.len, 0);
}

static void room_reserved_is_there(void **state)
{
	CLEANUP_BUF struct buf buf = { 0 };

	(void)state;
	buf_add_str(&buf, "ab");
	buf_reserve(&buf, 5000);
	memset(buf.data + buf.len, 'x', 5000);
	buf.len += 5000;
	buf_add(&buf, "y", 1);
	assert_int_equal(buf.len, 5003);
	assert_memory_equal(buf.data, "abx", 3);
	assert_string_equal(buf.data + 5001, "xy");
}

static void what_is_taken_is_the_callers(void **state)
{
	struct buf buf = { 0 };
	char *empty = buf_take(&buf);
	char *text;

	(void)state;
	assert_string_equal(empty, "");
	buf_add_str(&buf, "text");
	text = buf_take(&buf);
	assert_string_equal(text, "text");
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	buf_add_str(&buf, "again");
	assert_string_equal(buf.data, "again");
	buf_done(&buf);
	buf_done(&buf);
	free(empty);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_appended_and_terminated),
		cmocka_unit_test(it_grows_over_many_sizes),
		cmocka_unit_test(nothing_appended_is_a_text_too),
		cmocka_unit_test(room_reserved_is_there),
		cmocka_unit_test(what_is_taken_is_the_callers),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
