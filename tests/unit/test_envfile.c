/* Env files: each dialect reads what its tool reads, and every doubt is an error with its place. */
#include "model/envfile.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text, *expected;
};

static void assert_read(enum envfile_dialect dialect, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct strv items = { 0 };
		struct buf joined = { 0 };
		struct error err = { 0 };
		size_t len = strlen(rows[i].text);

		if (envfile_parse(dialect, "env", rows[i].text, len, &items, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		buf_add_str(&joined, "");
		for (size_t j = 0; j < items.len; j++)
			buf_addf(&joined, "[%s]", items.items[j]);
		assert_string_equal(joined.data, rows[i].expected);
		buf_done(&joined);
		strv_done(&items);
	}
}

static void assert_refused(enum envfile_dialect dialect, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct strv items = { 0 };
		struct error err = { 0 };
		size_t len = strlen(rows[i].text);

		if (envfile_parse(dialect, "env", rows[i].text, len, &items, &err) == 0)
			fail_msg("%s is read", rows[i].text);
		assert_string_equal(err.text, rows[i].expected);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_int_equal(items.len, 0);
	}
}

static void dotenv_reads_what_its_readers_agree_on(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "\xef\xbb\xbf"
		  "A=1\r\nB=2\r\n",
			"[A=1][B=2]" },
		{ "# c\n\n  A=1 # c\n", "[A=1]" },
		{ "export A=1\nexport\tB=2\nexport=3", "[A=1][B=2][export=3]" },
		{ "A = b c  ", "[A=b c]" },
		{ "A=", "[A=]" },
		{ "A=#fff\nB=a#b\nC= #c", "[A=#fff][B=a#b][C=]" },
		{ "A='$x \\n \"'  # c", "[A=$x \\n \"]" },
		{ "A=\"a\\n\\r\\t\\\\\\\"\\$b $c\"", "[A=a\n\r\t\\\"$b $c]" },
		{ "A='x\r\ny'\nB=\"1\n2\"", "[A=x\ny][B=1\n2]" },
		{ "A=it's\nB=C:\\x\nC=a=b", "[A=it's][B=C:\\x][C=a=b]" },
		{ "A=''\nB=\"\"", "[A=][B=]" },
	};

	(void)state;
	assert_read(ENVFILE_DOTENV, rows, sizeof rows / sizeof *rows);
}

static void dotenv_names_line_and_column_of_every_doubt(void **state)
{
	static const struct row rows[] = {
		{ "A=1\nB", "env:2:1: the line has no =" },
		{ "A: 1", "env:1:1: the line has no =" },
		{ "A=1\n  A=2", "env:2:3: A is already set in line 1" },
		{ "A=\"x", "env:1:3: a quote that is not closed" },
		{ "A=1\nB='x\ny\n", "env:2:3: a quote that is not closed" },
		{ "A=\"a\\p\"", "env:1:5: not one of \\n \\r \\t \\\\ \\\" \\$" },
		{ "A=\"a\\", "env:1:5: not one of \\n \\r \\t \\\\ \\\" \\$" },
		{ "A='a'b", "env:1:6: text behind the closing quote" },
		{ "A='a'#b", "env:1:6: text behind the closing quote" },
		{ "A=`a`", "env:1:3: a value in ` `, which few tools read" },
		{ "A-B=1", "env:1:1: \"A-B\" is not a variable name "
			   "(letters, digits and _, not a digit first, at most 255)" },
		{ "=1", "env:1:1: \"\" is not a variable name "
			"(letters, digits and _, not a digit first, at most 255)" },
		{ "export A", "env:1:8: the line has no =" },
		{ "A=1\nPORT=5000", "env:2:1: PORT is set by isorun" },
		{ "A=a\x01", "env:1:4: a control character" },
		{ "A='a\x1b'", "env:1:5: a control character" },
		{ "A=1\nB=\xc3(", "env:2:3: not UTF-8" },
		{ "A=\xf4\x90\x80\x80", "env:1:3: not UTF-8" },
		{ "A=\xc0\x80", "env:1:3: not UTF-8" },
	};
	struct strv items = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_refused(ENVFILE_DOTENV, rows, sizeof rows / sizeof *rows);
	assert_int_equal(envfile_parse(ENVFILE_DOTENV, "env", "A=\0b", 4, &items, &err), -1);
	assert_string_equal(err.text, "env:1:3: holds a NUL byte");
}

static void docker_keeps_values_as_they_are(void **state)
{
	static const struct row rows[] = {
		{ "  A=\"1\" # c  \r\n# c\nB='x'\nC=", "[A=\"1\" # c  ][B='x'][C=]" },
	};
	static const struct row bad[] = {
		{ "export A=1", "env:1:1: \"export A\" is not a variable name "
				"(letters, digits and _, not a digit first, at most 255)" },
		{ "A", "env:1:1: the line has no =" },
		{ "A=1\nA=1", "env:2:1: A is already set in line 1" },
	};

	(void)state;
	assert_read(ENVFILE_DOCKER, rows, sizeof rows / sizeof *rows);
	assert_refused(ENVFILE_DOCKER, bad, sizeof bad / sizeof *bad);
}

static void systemd_joins_pieces_and_lines(void **state)
{
	static const struct row rows[] = {
		{ "; c\n# c\nA=\"a\"'b'\n", "[A=ab]" },
		{ "A=\"a\" \"b\"c", "[A=abc]" },
		{ "A=a\\\nb\nB=2", "[A=ab][B=2]" },
		{ "A=\"a\\\nb\\n\\\"\\$\"", "[A=ab\\n\"$]" },
		{ "A='a\\n\nb'", "[A=a\\n\nb]" },
		{ "A= x y # z  ", "[A=x y # z]" },
		{ "A=x\\ \n", "[A=x ]" },
		{ "A=it's \"q\"", "[A=it's \"q\"]" },
		{ "A=1\r\nB=2\r\n", "[A=1][B=2]" },
	};
	static const struct row bad[] = {
		{ "export A=1", "env:1:1: \"export A\" is not a variable name "
				"(letters, digits and _, not a digit first, at most 255)" },
		{ "A='x", "env:1:3: a quote that is not closed" },
		{ "nonsense", "env:1:1: the line has no =" },
	};

	(void)state;
	assert_read(ENVFILE_SYSTEMD, rows, sizeof rows / sizeof *rows);
	assert_refused(ENVFILE_SYSTEMD, bad, sizeof bad / sizeof *bad);
}

static void json_is_one_object_of_strings(void **state)
{
	static const struct row rows[] = {
		{ "{\"A\": \"1\\n\", \"B\": \"\"}", "[A=1\n][B=]" },
	};
	static const struct row bad[] = {
		{ "{\"A\":\n1}", "env:1: $.A: must be a string, is a whole number" },
		{ "[]", "env:1: $: must be an object, is an array" },
		{ "{\"a b\": \"\"}", "env:1: $.a b: \"a b\" is not a variable name "
				     "(letters, digits and _, not a digit first, at most 255)" },
	};

	(void)state;
	assert_read(ENVFILE_JSON, rows, sizeof rows / sizeof *rows);
	assert_refused(ENVFILE_JSON, bad, sizeof bad / sizeof *bad);
}

static void a_prefix_names_the_dialect(void **state)
{
	const char *path;

	(void)state;
	assert_int_equal(envfile_dialect("docker:a.env", &path), ENVFILE_DOCKER);
	assert_string_equal(path, "a.env");
	assert_int_equal(envfile_dialect("systemd:/etc/default/x", &path), ENVFILE_SYSTEMD);
	assert_int_equal(envfile_dialect("json:-", &path), ENVFILE_JSON);
	assert_string_equal(path, "-");
	assert_int_equal(envfile_dialect("./docker:x", &path), ENVFILE_DOTENV);
	assert_string_equal(path, "./docker:x");
}

static void every_cut_of_an_env_file_is_read_or_refused(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf# c\r\nexport A = \"a\\n\\$\r\nb\" # c\nB='é'\nC=\\\n D=x\\";

	(void)state;
	for (int dialect = ENVFILE_DOTENV; dialect <= ENVFILE_JSON; dialect++) {
		for (size_t len = 0; len < sizeof text; len++) {
			char *cut = calloc(len + 1, 1);
			struct strv items = { 0 };
			struct error err = { 0 };

			memcpy(cut, text, len);
			(void)envfile_parse((enum envfile_dialect)dialect, "env", cut, len, &items,
				&err); /* no crash is the test */
			strv_done(&items);
			free(cut);
		}
	}
}

static void an_env_of_foremans_may_say_where_to_publish(void **state)
{
	static const char text[] = "A=1\nPORT=3000\n", json[] = "{ \"PORT\": \"80\" }";
	struct strv items = { 0 };
	struct error err = { 0 };
	char *port = NULL;

	(void)state;
	assert_int_equal(envfile_parse_foreman(
				 ENVFILE_DOTENV, ".env", text, strlen(text), &items, &port, &err),
		0);
	assert_int_equal(items.len, 1);
	assert_string_equal(items.items[0], "A=1");
	assert_string_equal(port, "3000");
	free(port);
	assert_int_equal(
		envfile_parse_foreman(ENVFILE_JSON, "env", json, strlen(json), &items, &port, &err),
		0);
	assert_string_equal(port, "80");
	free(port);
	assert_int_equal(
		envfile_parse_foreman(ENVFILE_DOTENV, ".env", "B=2\n", 4, &items, &port, &err), 0);
	assert_null(port);

	assert_int_equal(
		envfile_parse_foreman(ENVFILE_DOTENV, ".env", "DYNO=x\n", 7, &items, &port, &err),
		-1);
	assert_string_equal(err.text, ".env:1:1: DYNO is set by isorun");
	assert_int_equal(
		envfile_parse(ENVFILE_DOTENV, ".env", text, strlen(text), &items, &err), -1);
	assert_string_equal(err.text, ".env:2:1: PORT is set by isorun");
	strv_done(&items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dotenv_reads_what_its_readers_agree_on),
		cmocka_unit_test(dotenv_names_line_and_column_of_every_doubt),
		cmocka_unit_test(docker_keeps_values_as_they_are),
		cmocka_unit_test(systemd_joins_pieces_and_lines),
		cmocka_unit_test(json_is_one_object_of_strings),
		cmocka_unit_test(a_prefix_names_the_dialect),
		cmocka_unit_test(every_cut_of_an_env_file_is_read_or_refused),
		cmocka_unit_test(an_env_of_foremans_may_say_where_to_publish),
	};

	return cmocka_run_group_tests_name("envfile", tests, NULL, NULL);
}
