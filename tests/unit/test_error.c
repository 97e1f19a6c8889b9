/* Errors: their texts are the user interface. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void an_error_is_its_text(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_USAGE, "run: no release \"%s\"", "x"), -1);
	assert_string_equal(err.text, "run: no release \"x\"");
	assert_string_equal(err.hint, "");
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_equal(err.errnum, 0);
}

static void a_system_call_says_why(void **state)
{
	struct error err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_errno(&err, "open release %s", "v7"), -1);
	assert_string_equal(err.text, "open release v7: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(err.kind, ERROR_FAILED);
}

static void a_layer_puts_its_noun_before(void **state)
{
	struct error err;

	(void)state;
	errno = EACCES;
	error_errno(&err, "open");
	err.kind = ERROR_LOCKED;
	error_hint(&err, "try %s", "sudo");
	assert_int_equal(error_wrap(&err, "release %d", 7), -1);
	assert_string_equal(err.text, "release 7: open: Permission denied");
	assert_string_equal(err.hint, "try sudo");
	assert_int_equal(err.kind, ERROR_LOCKED);
	assert_int_equal(err.errnum, EACCES);
}

static void a_new_error_forgets_the_old_hint(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_FAILED, "first");
	error_hint(&err, "hint");
	error_set(&err, ERROR_FAILED, "second");
	assert_string_equal(err.hint, "");
}

static void hostile_text_stays_on_one_line(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_FAILED, "name %s", "a\nb\033[31mc\x7f");
	assert_string_equal(err.text, "name a?b?[31mc?");
	error_hint(&err, "\r");
	assert_string_equal(err.hint, "?");
}

static void what_is_too_long_is_cut(void **state)
{
	struct error err;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	error_set(&err, ERROR_FAILED, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	error_wrap(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	errno = EIO;
	error_errno(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	error_hint(&err, "%s", text);
	assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
}

static void every_kind_has_its_exit_status(void **state)
{
	static const int wanted[] = { 1, 2, 3, 4, 5, 6, 8, 126, 127 };
	struct error err;

	(void)state;
	for (int kind = ERROR_FAILED; kind <= ERROR_NOT_FOUND; kind++) {
		error_set(&err, (enum error_kind)kind, "x");
		assert_int_equal(error_status(&err), wanted[kind]);
	}
}

static void a_long_path_hides_neither_who_failed_nor_why(void **state)
{
	struct error err;
	char path[1000];

	(void)state;
	memset(path, 'd', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	errno = EMFILE;
	error_errno(&err, "open %s", path);
	error_wrap(&err, "build");
	assert_memory_equal(err.text, "build: open ddd", 15);
	assert_non_null(strstr(err.text, "d...d"));
	assert_string_equal(strstr(err.text, ": Too"), ": Too many open files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_its_text),
		cmocka_unit_test(a_system_call_says_why),
		cmocka_unit_test(a_layer_puts_its_noun_before),
		cmocka_unit_test(a_new_error_forgets_the_old_hint),
		cmocka_unit_test(hostile_text_stays_on_one_line),
		cmocka_unit_test(what_is_too_long_is_cut),
		cmocka_unit_test(a_long_path_hides_neither_who_failed_nor_why),
		cmocka_unit_test(every_kind_has_its_exit_status),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
