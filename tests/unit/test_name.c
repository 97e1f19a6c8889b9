/* Names: what each kind lets through, and that nothing dangerous is among it. */
#include "model/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_of_each_kind_are_accepted(void **state)
{
	static const struct {
		enum name_kind kind;
		const char *text;
	} rows[] = {
		{ NAME_APP, "a" },
		{ NAME_APP, "guestbook" },
		{ NAME_APP, "2048-game" },
		{ NAME_DEPLOY, "pr-17" },
		{ NAME_PROCESS, "web" },
		{ NAME_PROCESS, "Mail_worker-2" },
		{ NAME_SERVICE, "cache" },
		{ NAME_VARIABLE, "_x9" },
		{ NAME_VARIABLE, "DATABASE_URL" },
		{ NAME_PACKAGE, "libstdc++6" },
		{ NAME_PACKAGE, "python3.11" },
		{ NAME_SUITE, "bookworm-backports" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!name_is(rows[i].kind, rows[i].text))
			fail_msg("\"%s\" is refused", rows[i].text);
}

static void hostile_names_are_refused_by_every_kind(void **state)
{
	static const char *const hostile[] = { "", ".", "..", "a/b", "../x", "/", " a", "a ", "a b",
		"a\nb", "a\tb", "a\x7f", "a\x1b[2J", "-a", "--help", "é", "\xff", "a;b", "$(id)",
		"a=b", "a\\b", "a:b", "*", "%s" };
	char longest[10241];

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (int kind = NAME_APP; kind <= NAME_SUITE; kind++) {
		for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
			if (name_is((enum name_kind)kind, hostile[i]))
				fail_msg("\"%s\" is accepted by kind %d", hostile[i], kind);
		assert_false(name_is((enum name_kind)kind, longest));
	}
}

static void a_label_has_63_characters_and_no_hyphen_at_its_ends(void **state)
{
	char text[65];

	(void)state;
	memset(text, 'x', 64);
	text[64] = '\0';
	assert_false(name_is(NAME_APP, text));
	assert_false(name_is(NAME_PROCESS, text));
	text[63] = '\0';
	assert_true(name_is(NAME_APP, text));
	assert_true(name_is(NAME_PROCESS, text));
	text[62] = '-';
	assert_false(name_is(NAME_APP, text));
	assert_false(name_is(NAME_APP, "Web"));
	assert_false(name_is(NAME_APP, "a_b"));
	assert_false(name_is(NAME_VARIABLE, "9a"));
	assert_false(name_is(NAME_VARIABLE, "a-b"));
}

static void the_error_shows_the_name_and_the_rule(void **state)
{
	struct error err = { 0 };
	char text[10241];

	(void)state;
	assert_int_equal(name_check(NAME_APP, "a/b", &err), -1);
	assert_string_equal(err.text,
		"\"a/b\" is not an app name (lower-case letters, digits and inner -, at most 63)");
	assert_int_equal(err.kind, ERROR_CONFIG);

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(name_check(NAME_PROCESS, text, &err), -1);
	assert_string_equal(err.text,
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is not a process name "
		"(letters, digits, _ and -, at most 63)");

	assert_int_equal(name_check(NAME_PROCESS, "web\nx", &err), -1);
	assert_string_equal(
		err.text, "\"web?x\" is not a process name (letters, digits, _ and -, at most 63)");
}

static void what_isorun_sets_is_reserved(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(name_check_variable("PORT", &err), -1);
	assert_string_equal(err.text, "PORT is set by isorun");
	assert_string_equal(err.hint, "say \"port\": 8080 in the manifest's process type");
	assert_int_equal(name_check_variable("ISORUN_APP", &err), -1);
	assert_string_equal(err.text, "ISORUN_APP is set by isorun");
	assert_int_equal(name_check_variable("DYNO", &err), -1);
	assert_int_equal(name_check_variable("PATH", &err), 0);
	assert_int_equal(name_check_variable("PORTS", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_each_kind_are_accepted),
		cmocka_unit_test(hostile_names_are_refused_by_every_kind),
		cmocka_unit_test(a_label_has_63_characters_and_no_hyphen_at_its_ends),
		cmocka_unit_test(the_error_shows_the_name_and_the_rule),
		cmocka_unit_test(what_isorun_sets_is_reserved),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
