/* Every format of a log line. */
#include "supervisor/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const int64_t NOON = 1795262462123456; /* 2026-11-21T12:01:02.123456 UTC */

static void text_is_laid_out_as_foreman_does(void **state)
{
	struct line_style style = { .format = LINE_TEXT, .width = line_width(6, 2) };
	CLEANUP_BUF struct buf out = { 0 };

	(void)state;
	line_add_prefix(&style, "web.1", 0, NOON, &out);
	buf_add_str(&out, "GET / 200");
	assert_string_equal(out.data, "12:01:02 web.1    | GET / 200");
}

static void a_terminal_gets_a_colour_a_name(void **state)
{
	struct line_style style = { .format = LINE_TEXT, .width = 8, .color = true };
	CLEANUP_BUF struct buf out = { 0 };

	(void)state;
	line_add_prefix(&style, "web.1", 1, NOON, &out);
	assert_string_equal(out.data, "\033[33m12:01:02 web.1    | \033[0m");
}

static void heroku_has_the_whole_time(void **state)
{
	struct line_style style = { .format = LINE_HEROKU };
	CLEANUP_BUF struct buf out = { 0 };

	(void)state;
	line_add_prefix(&style, "web.1", 0, NOON, &out);
	assert_string_equal(out.data, "2026-11-21T12:01:02.123456+00:00 app[web.1]: ");
}

static void json_escapes_and_replaces_what_is_not_text(void **state)
{
	CLEANUP_BUF struct buf out = { 0 };

	(void)state;
	line_add_json("web.1", "app", NOON, "a\"\0\xff\xc3\xa9", 6, false, &out);
	assert_string_equal(out.data,
		"{\"message\":\"a\\\"\\u0000\xef\xbf\xbd\xc3\xa9\",\"process\":\"web.1\","
		"\"source\":\"app\",\"time\":\"2026-11-21T12:01:02.123456+00:00\"}\n");
}

static void events_name_isorun_and_the_instance(void **state)
{
	struct line_style heroku = { .format = LINE_HEROKU }, text = { .format = LINE_TEXT };
	struct line_style raw = { .format = LINE_RAW };
	CLEANUP_BUF struct buf out = { 0 };

	(void)state;
	line_add_event(&heroku, "web.1", NOON, "ready", &out);
	line_add_event(&text, "web.1", NOON, "ready", &out);
	line_add_event(&raw, "web.1", NOON, "ready", &out);
	assert_string_equal(out.data, "2026-11-21T12:01:02.123456+00:00 isorun[web.1]: ready\n"
				      "12:01:02 isorun[web.1]: ready\n"
				      "isorun[web.1]: ready\n");
}

static void an_unknown_format_lists_those_there_are(void **state)
{
	struct error err;
	enum line_format format;

	(void)state;
	assert_int_equal(line_format_parse("yaml", true, &format, &err), -1);
	assert_string_equal(err.text, "log format \"yaml\" is not known");
	assert_string_equal(err.hint, "text, heroku, json, raw or auto");
	assert_int_equal(line_format_parse("auto", true, &format, &err), 0);
	assert_int_equal(format, LINE_TEXT);
	assert_int_equal(line_format_parse(NULL, false, &format, &err), 0);
	assert_int_equal(format, LINE_HEROKU);
}

static void the_name_column_is_as_wide_as_foremans(void **state)
{
	(void)state;
	assert_int_equal(line_width(3, 2), 8);
	assert_int_equal(line_width(10, 12), 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_laid_out_as_foreman_does),
		cmocka_unit_test(a_terminal_gets_a_colour_a_name),
		cmocka_unit_test(heroku_has_the_whole_time),
		cmocka_unit_test(json_escapes_and_replaces_what_is_not_text),
		cmocka_unit_test(events_name_isorun_and_the_instance),
		cmocka_unit_test(an_unknown_format_lists_those_there_are),
		cmocka_unit_test(the_name_column_is_as_wide_as_foremans),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
