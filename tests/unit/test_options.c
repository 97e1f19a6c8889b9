/* cli/options: the one parser of every verb's command line. */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct parsed {
	bool tty, interactive;
	const char *output;
	struct strv env;
	struct operands operands;
	int result;
	struct error err;
};

static struct parsed parse(int argc, char **argv)
{
	struct parsed parsed = { 0 };
	const struct option_row rows[] = {
		{ 'i', "interactive", OPTION_FLAG, &parsed.interactive, NULL, "keep stdin" },
		{ 't', "tty", OPTION_FLAG, &parsed.tty, NULL, "a terminal" },
		{ 'o', "output", OPTION_TEXT, &parsed.output, "FILE", "write here" },
		{ 'e', "env", OPTION_LIST, &parsed.env, "K=V", "one variable" },
		{ 0 },
	};
	const struct usage usage = { "run RELEASE", "Runs.", "isorun run r.tar", rows };

	parsed.result = options_parse(&usage, argc, argv, &parsed.operands, &parsed.err);
	return parsed;
}

static void done(struct parsed *parsed)
{
	strv_done(&parsed->env);
	operands_done(&parsed->operands);
}

static void options_and_operands_may_be_mixed(void **state)
{
	char *argv[] = { "run", "-it", "rel", "-oFILE", "--env=A=1", "-e", "B=2", "web", NULL };
	struct parsed parsed = parse(8, argv);

	(void)state;
	assert_int_equal(parsed.result, 0);
	assert_true(parsed.interactive && parsed.tty);
	assert_string_equal(parsed.output, "FILE");
	assert_int_equal(parsed.env.len, 2);
	assert_string_equal(parsed.env.items[0], "A=1");
	assert_string_equal(parsed.env.items[1], "B=2");
	assert_int_equal(parsed.operands.words.len, 2);
	assert_string_equal(parsed.operands.words.items[1], "web");
	assert_false(parsed.operands.has_command);
	done(&parsed);
}

static void what_stands_behind_two_dashes_is_the_command(void **state)
{
	char *argv[] = { "run", "rel", "--", "ls", "-t", "--", "--env", NULL };
	struct parsed parsed = parse(7, argv);

	(void)state;
	assert_int_equal(parsed.result, 0);
	assert_true(parsed.operands.has_command);
	assert_int_equal(parsed.operands.command.len, 4);
	assert_string_equal(parsed.operands.command.items[1], "-t");
	assert_string_equal(parsed.operands.command.items[3], "--env");
	assert_false(parsed.tty);
	done(&parsed);
}

static void refused_with(int argc, char **argv, const char *text)
{
	struct parsed parsed = parse(argc, argv);

	assert_int_equal(parsed.result, -1);
	assert_int_equal(parsed.err.kind, ERROR_USAGE);
	assert_string_equal(parsed.err.text, text);
	assert_string_equal(parsed.err.hint, "isorun run --help");
	done(&parsed);
}

static void a_wrong_option_is_named(void **state)
{
	char *unknown[] = { "run", "--outpt", "x", NULL };
	char *letter[] = { "run", "-ix", NULL };
	char *missing[] = { "run", "--output", NULL };
	char *valued[] = { "run", "--tty=yes", NULL };

	(void)state;
	refused_with(3, unknown, "unknown option --outpt");
	refused_with(2, letter, "unknown option -x");
	refused_with(2, missing, "--output needs a value: FILE");
	refused_with(2, valued, "--tty takes no value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(what_stands_behind_two_dashes_is_the_command),
		cmocka_unit_test(a_wrong_option_is_named),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
