/* Commands: which need a shell, how the others are split, and where variables are expanded. */
#include "model/command.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "a|b c" for the words a and "b c". */
static char *joined(const struct strv *words)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < words->len; i++)
		buf_addf(&text, "%s%s", i ? "|" : "", words->items[i]);
	return buf_take(&text);
}

struct row {
	const char *text, *words;
};

static void assert_rows(const struct row *rows, size_t count, bool shell)
{
	for (size_t i = 0; i < count; i++) {
		struct command command;
		struct error err = { 0 };
		char *words;

		if (command_parse(rows[i].text, &command, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		words = joined(&command.argv);
		assert_string_equal(words, rows[i].words);
		assert_int_equal(command.shell, shell);
		free(words);
		command_done(&command);
	}
}

static void a_command_without_shell_syntax_is_split(void **state)
{
	static const struct row rows[] = {
		{ "python3 -m guestbook.web", "python3|-m|guestbook.web" },
		{ "  a\t b  ", "a|b" },
		{ "a 'b c' \"d e\"", "a|b c|d e" },
		{ "a b'c'd\"e\"", "a|bcde" },
		{ "a '' \"\"", "a||" },
		{ "a \"x\\\"y\\\\z\\n\"", "a|x\"y\\z\\n" },
		{ "a b\\ c \\'", "a|b c|'" },
		{ "node app.js --color=#fff a#b", "node|app.js|--color=#fff|a#b" },
		{ "a --x={1,2} k=v %s ]", "a|--x={1,2}|k=v|%s|]" },
		{ "bin/start -p $PORT ${HOST}:1", "bin/start|-p|$PORT|${HOST}:1" },
		{ "exec gunicorn app:app", "gunicorn|app:app" },
		{ "a $ b$", "a|$|b$" },
		{ "a 'it;s' \"a|b*\"", "a|it;s|a|b*" },
	};

	(void)state;
	assert_rows(rows, sizeof rows / sizeof *rows, false);
}

static void any_other_syntax_is_left_to_the_shell(void **state)
{
	static const struct row rows[] = {
		{ "a && b", "/bin/sh|-c|a && b" },
		{ "a; b", "/bin/sh|-c|a; b" },
		{ "a > log 2>&1", "/bin/sh|-c|exec a > log 2>&1" },
		{ "a *.txt", "/bin/sh|-c|exec a *.txt" },
		{ "a ${X:-1}", "/bin/sh|-c|exec a ${X:-1}" },
		{ "a $1", "/bin/sh|-c|exec a $1" },
		{ "a $(b)", "/bin/sh|-c|a $(b)" },
		{ "a `b`", "/bin/sh|-c|a `b`" },
		{ "a # c", "/bin/sh|-c|exec a # c" },
		{ "a ~/x", "/bin/sh|-c|exec a ~/x" },
		{ "a &", "/bin/sh|-c|a &" },
		{ "A=1 B='2 3' node x", "/bin/sh|-c|A=1 B='2 3' exec node x" },
		{ "A=${B:-x y} node x", "/bin/sh|-c|A=${B:-x y} node x" },
		{ "cd web && node x", "/bin/sh|-c|cd web && node x" },
		{ "exec a $(b)", "/bin/sh|-c|exec a $(b)" },
		{ "exec -a x b", "/bin/sh|-c|exec -a x b" },
		{ "exec A=1 b", "/bin/sh|-c|exec A=1 b" },
		{ "while true; do a; done", "/bin/sh|-c|while true; do a; done" },
		{ "a\nb", "/bin/sh|-c|a\nb" },
		{ "cd x", "/bin/sh|-c|cd x" },
		{ "ulimit -n 64", "/bin/sh|-c|ulimit -n 64" },
	};

	(void)state;
	assert_rows(rows, sizeof rows / sizeof *rows, true);
}

static void what_is_no_command_is_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "the command is empty" },
		{ " \t ", "the command is empty" },
		{ "a 'b", "the command has a quote that is not closed" },
		{ "a \"b", "the command has a quote that is not closed" },
		{ "a\x01", "the command holds a control character" },
		{ "a\r", "the command holds a control character" },
	};
	char text[COMMAND_MAX + 2];
	struct command command;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(command_parse(rows[i].text, &command, &err), -1);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(command_parse(text, &command, &err), -1);
	assert_string_equal(err.text, "the command is longer than 32768 bytes");
}

static void variables_are_expanded_from_the_given_environment(void **state)
{
	static const struct row rows[] = {
		{ "a $FOO", "a|1" },
		{ "a $FOOBAR", "a|2" },
		{ "a ${FOO}BAR", "a|1BAR" },
		{ "a '$FOO' \\$FOO \"\\$FOO\"", "a|$FOO|$FOO|$FOO" },
		{ "a $OPTS", "a|--x|--y" },
		{ "a x$OPTS.z", "a|x|--x|--y.z" },
		{ "a \"$OPTS\"", "a| --x  --y" },
		{ "a $NONE b", "a|b" },
		{ "a \"$NONE\" b", "a||b" },
		{ "a $SYNTAX", "a|;|$FOO|*|'q" },
		{ "exec $FOO x", "1|x" },
		{ "a && $FOO", "/bin/sh|-c|a && $FOO" },
	};
	struct strv env = { 0 };

	(void)state;
	strv_add(&env, "FOO=1");
	strv_add(&env, "FOOBAR=2");
	strv_add(&env, "OPTS= --x  --y");
	strv_add(&env, "SYNTAX=; $FOO * 'q");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct strv argv = { 0 };
		char *words;

		command_expand(rows[i].text, &env, &argv);
		words = joined(&argv);
		assert_string_equal(words, rows[i].words);
		free(words);
		strv_done(&argv);
	}
	strv_done(&env);
}

static void every_cut_of_a_command_is_read_or_refused(void **state)
{
	static const char text[] =
		"A=1 B='2 3' exec \"x \\\" $Y\" ${Z} ${W:-a} \\\n 'q' $(b) `c` > d 2>&1 # e";
	char cut[sizeof text];

	(void)state;
	for (size_t start = 0; start < sizeof text; start++) {
		for (size_t len = 0; start + len < sizeof text; len++) {
			struct command command;
			struct strv argv = { 0 };
			struct strv env = { 0 };
			struct error err = { 0 };

			memcpy(cut, text + start, len);
			cut[len] = '\0';
			if (command_parse(cut, &command, &err) < 0)
				continue;
			command_expand(cut, &env, &argv);
			assert_true(command.argv.len > 0);
			strv_done(&argv);
			command_done(&command);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_without_shell_syntax_is_split),
		cmocka_unit_test(any_other_syntax_is_left_to_the_shell),
		cmocka_unit_test(what_is_no_command_is_refused),
		cmocka_unit_test(variables_are_expanded_from_the_given_environment),
		cmocka_unit_test(every_cut_of_a_command_is_read_or_refused),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
