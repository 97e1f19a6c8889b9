/* Procfiles as people and tools write them, and every error with its place. */
#include "model/procfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_procfile_is_read_in_order(void **state)
{
	static const char text[] = "\xef\xbb\xbf# comment\r\n"
				   "web: gunicorn app:app --color=#fff # not cut\r\n"
				   "\n"
				   "  // another\n"
				   "\tmy-worker_2:node worker.js  \n"
				   "release:  ./migrate é";
	struct procfile procfile;
	struct error err = { 0 };

	(void)state;
	if (procfile_parse("Procfile", text, strlen(text), &procfile, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(procfile.count, 3);
	assert_string_equal(procfile.entries[0].name, "web");
	assert_string_equal(procfile.entries[0].command, "gunicorn app:app --color=#fff # not cut");
	assert_int_equal(procfile.entries[0].line, 2);
	assert_string_equal(procfile.entries[1].name, "my-worker_2");
	assert_string_equal(procfile.entries[1].command, "node worker.js");
	assert_int_equal(procfile.entries[1].line, 5);
	assert_string_equal(procfile.entries[2].command, "./migrate é");
	procfile_done(&procfile);
}

static void every_error_has_line_and_column(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "web gunicorn", "Procfile:1:1: not a line of the form NAME: COMMAND" },
		{ "web: a\n  oops\n", "Procfile:2:3: not a line of the form NAME: COMMAND" },
		{ "web: a\nworker: b\nweb: c",
			"Procfile:3:1: process \"web\" is already in line 1" },
		{ "web:\n", "Procfile:1:5: process \"web\" has no command" },
		{ "web:   \r\n", "Procfile:1:5: process \"web\" has no command" },
		{ "web : a", "Procfile:1:1: \"web \" is not a process name "
			     "(letters, digits, _ and -, at most 63)" },
		{ ": a", "Procfile:1:1: \"\" is not a process name "
			 "(letters, digits, _ and -, at most 63)" },
		{ "../web: a", "Procfile:1:1: \"../web\" is not a process name "
			       "(letters, digits, _ and -, at most 63)" },
		{ "web: a\x01"
		  "b",
			"Procfile:1:7: a control character" },
		{ "web: a\rb", "Procfile:1:7: a control character" },
		{ "web: a\nw: \xff", "Procfile:2:4: not UTF-8" },
		{ "web: \xed\xa0\x80", "Procfile:1:6: not UTF-8" },
		{ "", "Procfile: no processes" },
		{ "# nothing\n\n", "Procfile: no processes" },
	};
	struct procfile procfile;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = strlen(rows[i].text);

		assert_int_equal(
			procfile_parse("Procfile", rows[i].text, len, &procfile, &err), -1);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
	assert_int_equal(procfile_parse("Procfile", "web: a\0b", 8, &procfile, &err), -1);
	assert_string_equal(err.text, "Procfile:1:7: holds a NUL byte");
}

static void every_cut_of_a_procfile_is_read_or_refused(void **state)
{
	static const char text[] = "\xef\xbb\xbf# c\r\nweb: a 'b'\r\n//\n\tw_2:\tc é\n";

	(void)state;
	for (size_t len = 0; len < sizeof text; len++) {
		/* An allocation of its own: a sanitizer sees one byte read too far. */
		char *cut = malloc(len + 1);
		struct procfile procfile;
		struct error err = { 0 };

		memcpy(cut, text, len);
		if (procfile_parse("Procfile", cut, len, &procfile, &err) == 0)
			procfile_done(&procfile);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_procfile_is_read_in_order),
		cmocka_unit_test(every_error_has_line_and_column),
		cmocka_unit_test(every_cut_of_a_procfile_is_read_or_refused),
	};

	return cmocka_run_group_tests_name("procfile", tests, NULL, NULL);
}
