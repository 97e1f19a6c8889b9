/* JSON as people write it: every error says file, line and path. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
	struct error err;
	json_t *value;

	if (json_parse("f.json", text, strlen(text), &value, &err) < 0)
		fail_msg("%s", err.text);
	return value;
}

static struct json_at top_of(json_t *value, const char *text)
{
	return (struct json_at){ .value = value, .file = "f.json", .text = text };
}

static void assert_refused(const char *text, size_t len, const char *wanted)
{
	struct error err;
	json_t *value = NULL;

	assert_int_equal(json_parse("f.json", text, len, &value, &err), -1);
	assert_null(value);
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (wanted)
		assert_string_equal(err.text, wanted);
}

static void broken_documents_say_where(void **state)
{
	static const char *const bad[] = { "", " ", "{", "{}x", "{} {}", "[1,]", "{\"a\":1,}",
		"{'a':1}", "nul", "\"text\"", "12", "{\"a\":01}", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}", "{\"a\":99999999999999999999}", "[1e999]", "{\"a\" 1}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(bad[i], strlen(bad[i]), NULL);
	assert_refused("{\n \"a\": 1\n \"b\": 2\n}", 20, "f.json:3:4: '}' expected");
	assert_refused("{\"a\":1,\"a\":2}", 13, "f.json:1:10: duplicate object key near '\"a\"'");
	assert_refused("{\"a\0\":1}", 8, NULL);
}

static void depth_is_bounded(void **state)
{
	char text[8200];

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	text[128] = '\0';
	json_decref(parse(text));
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_refused(text, 130, "f.json: nested more than 64 deep");
	memset(text, '[', 4096);
	memset(text + 4096, ']', 4096);
	assert_refused(text, 8192, NULL);
}

static void an_error_has_line_and_path(void **state)
{
	const char *text = "{\n  \"a\": \"b,}\\\"\",\n  \"p\": {\n    \"web\": [ 1, [],\n"
			   "      {\"x\": {}, \"deep\": true}\n    ]\n  }\n}\n";
	CLEANUP_JSON json_t *value = parse(text);
	struct json_at top = top_of(value, text), p, web, element, deep;
	struct error err;

	(void)state;
	assert_int_equal(json_member(&top, "p", &p), 1);
	assert_int_equal(json_member(&p, "web", &web), 1);
	assert_int_equal(json_element(&web, 2, &element), 1);
	assert_int_equal(json_member(&element, "deep", &deep), 1);
	assert_int_equal(json_error(&deep, &err, "must be %d", 5), -1);
	assert_string_equal(err.text, "f.json:5: $.p.web[2].deep: must be 5");
	json_error(&web, &err, "x");
	assert_string_equal(err.text, "f.json:4: $.p.web: x");
	json_error(&top, &err, "x");
	assert_string_equal(err.text, "f.json:1: $: x");
	assert_int_equal(json_member(&top, "absent", &p), 0);
	assert_int_equal(json_element(&web, 3, &element), 0);
}

static void an_escaped_key_is_found(void **state)
{
	const char *text = "{ \"b\": [\"}\"],\n \"\\u0061\": 1 }";
	CLEANUP_JSON json_t *value = parse(text);
	struct json_at top = top_of(value, text), a;
	struct error err;

	(void)state;
	assert_int_equal(json_member(&top, "a", &a), 1);
	json_error(&a, &err, "x");
	assert_string_equal(err.text, "f.json:2: $.a: x");
}

static void without_the_text_the_path_remains(void **state)
{
	CLEANUP_JSON json_t *value = parse("{\"a\":1}");
	struct json_at top = top_of(value, NULL), a;
	struct error err;

	(void)state;
	assert_int_equal(json_member(&top, "a", &a), 1);
	json_error(&a, &err, "x");
	assert_string_equal(err.text, "f.json: $.a: x");
}

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
	static const char *const keys[] = { "packages", "files", NULL };
	const char *text = "{\n\"packags\": []}";
	CLEANUP_JSON json_t *value = parse(text);
	CLEANUP_JSON json_t *other = parse("{\"elsewhere\":1}");
	struct json_at top = top_of(value, text), second = top_of(other, NULL);
	struct error err;

	(void)state;
	assert_int_equal(json_keys(&top, keys, &err), -1);
	assert_string_equal(err.text, "f.json:2: $.packags: unknown key");
	assert_string_equal(err.hint, "did you mean \"packages\"?");
	assert_int_equal(json_keys(&second, keys, &err), -1);
	assert_string_equal(err.hint, "");
}

static void wrong_types_say_what_they_are(void **state)
{
	const char *text = "{\"s\":\"x\",\"i\":7,\"r\":1.5,\"n\":null,\"a\":[\"x\",2],\"o\":{}}";
	CLEANUP_JSON json_t *value = parse(text);
	CLEANUP_STRV struct strv list = { 0 };
	struct json_at top = top_of(value, text), at;
	const char *string;
	struct error err;
	int64_t number;
	bool truth;

	(void)state;
	assert_int_equal(json_member(&top, "i", &at), 1);
	assert_int_equal(json_get_str(&at, &string, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.i: must be a string, is a whole number");
	assert_int_equal(json_get_int(&at, 0, 7, &number, &err), 0);
	assert_int_equal(number, 7);
	assert_int_equal(json_get_int(&at, 8, 9, &number, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.i: must be from 8 to 9");
	assert_int_equal(json_get_bool(&at, &truth, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.i: must be true or false, is a whole number");
	assert_int_equal(json_member(&top, "r", &at), 1);
	assert_int_equal(json_get_int(&at, 0, 9, &number, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.r: must be a whole number, is a number");
	assert_int_equal(json_member(&top, "n", &at), 1);
	assert_int_equal(json_is(&at, JSON_OBJECT, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.n: must be an object, is null");
	assert_int_equal(json_member(&top, "a", &at), 1);
	assert_int_equal(json_get_strv(&at, &list, &err), -1);
	assert_string_equal(err.text, "f.json:1: $.a[1]: must be a string, is a whole number");
}

static void printing_is_canonical(void **state)
{
	CLEANUP_JSON json_t *value = parse("{ \"b\": [1, true, null, \"\\u00e4/\"],\n\"a\": {} }");
	CLEANUP_BUF struct buf text = { 0 };

	(void)state;
	json_print(value, false, &text);
	assert_string_equal(text.data, "{\"a\":{},\"b\":[1,true,null,\"\xc3\xa4/\"]}");
	json_print(value, true, &text);
	assert_int_equal(text.data[text.len - 1], '\n');
}

/* locate() walks text that jansson accepted; whatever that was, it must end inside it. */
static void every_value_of_odd_documents_is_located(void **state)
{
	static const char *const texts[] = { "[[],{},[{}],\"\\\\\",\"\\\"]\",-1.5e3,false]",
		"[ \t[\r\n1 ,2\n] , 3 ]", "[{\"\":{\"\":[0]}},1]" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		CLEANUP_JSON json_t *value = parse(texts[i]);
		struct json_at top = top_of(value, texts[i]), at;
		struct error err;

		for (size_t j = 0; json_element(&top, j, &at); j++)
			assert_int_equal(json_error(&at, &err, "x"), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_documents_say_where),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(an_error_has_line_and_path),
		cmocka_unit_test(an_escaped_key_is_found),
		cmocka_unit_test(without_the_text_the_path_remains),
		cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
		cmocka_unit_test(wrong_types_say_what_they_are),
		cmocka_unit_test(printing_is_canonical),
		cmocka_unit_test(every_value_of_odd_documents_is_located),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
