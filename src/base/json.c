/* JSON for documents that people write: jansson parses and prints, this file adds where a value
 * stood. jansson forgets positions, so an error walks the text again (it is valid by then) to the
 * value's place; that costs nothing until something is wrong. */
#include "base/json.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64, NAME_SHOWN = 60, VALUES_MOST = 1 << 20 };

static int depth_of(const json_t *value, int limit)
{
	const char *key;
	json_t *member;
	size_t index;

	if (limit == 0)
		return 0;
	json_object_foreach ((json_t *)value, key, member)
		if (!depth_of(member, limit - 1))
			return 0;
	json_array_foreach (value, index, member)
		if (!depth_of(member, limit - 1))
			return 0;
	return 1;
}

/* At most so many values: each costs a hundred bytes of memory and two of text. */
static size_t count_values(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return count;
}

int json_parse(const char *file, const char *text, size_t len, json_t **ret, struct error *err)
{
	json_error_t error;
	json_t *value;

	if (count_values(text, len) > VALUES_MOST)
		return error_set(
			err, ERROR_CONFIG, "%s: more than %d values", file, (int)VALUES_MOST);
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		/* What it stands near may be a secret, but for a key. */
		char *near = strstr(error.text, " near '");

		if (near && json_error_code(&error) != json_error_duplicate_key)
			*near = '\0';
		return error_set(err, ERROR_CONFIG, "%s:%d:%d: %s", file, error.line, error.column,
			error.text);
	}
	if (!depth_of(value, DEEPEST)) {
		json_decref(value);
		return error_set(err, ERROR_CONFIG, "%s: nested more than %d deep", file, DEEPEST);
	}
	*ret = value;
	return 0;
}

/* The scanner below only ever sees text that jansson accepted, so it checks no syntax. */

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
	int depth = 0;

	for (at = skip_space(at); *at;) {
		if (*at == '"') {
			at = skip_string(at);
		} else if (*at == '{' || *at == '[') {
			depth++, at++;
		} else if (*at == '}' || *at == ']') {
			if (depth == 0)
				return at;
			depth--, at++;
		} else if (depth == 0 && *at == ',') {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return at;
}

static bool key_is(const char *at, const char *end, const char *key)
{
	json_t *string = json_loadb(at, (size_t)(end - at), JSON_DECODE_ANY, NULL);
	bool same = string && strcmp(json_string_value(string), key) == 0;

	json_decref(string);
	return same;
}

static const char *find_member(const char *at, const char *key)
{
	for (at = skip_space(at + 1); *at == '"'; at = skip_space(at)) {
		const char *start = at;
		const char *end = skip_string(at);

		at = skip_space(skip_space(end) + 1);
		if (key_is(start, end, key))
			return start;
		at = skip_space(skip_value(at));
		if (*at == ',')
			at++;
	}
	return at;
}

static const char *find_element(const char *at, size_t index)
{
	for (at = skip_space(at + 1); index > 0; index--) {
		at = skip_space(skip_value(at));
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return at;
}

static const char *value_behind_key(const char *at)
{
	return *at == '"' ? skip_space(skip_space(skip_string(at)) + 1) : at;
}

/* The place of a value (of its key, in an object) in the document's text. */
static const char *locate(const struct json_at *at)
{
	const char *start;

	if (!at->parent)
		return skip_space(at->text);
	start = locate(at->parent);
	if (at->parent->key)
		start = value_behind_key(start);
	return at->key ? find_member(start, at->key) : find_element(start, at->index);
}

static int line_of(const struct json_at *at)
{
	const char *place = locate(at);
	int line = 1;

	for (const char *c = at->text; c < place; c++)
		line += *c == '\n';
	return line;
}

static void print_path(const struct json_at *at, struct buf *ret)
{
	if (!at->parent) {
		buf_add_str(ret, "$");
		return;
	}
	print_path(at->parent, ret);
	if (at->key)
		buf_addf(ret, ".%.*s", NAME_SHOWN, at->key);
	else
		buf_addf(ret, "[%zu]", at->index);
}

int json_error(const struct json_at *at, struct error *err, const char *fmt, ...)
{
	CLEANUP_BUF struct buf path = { 0 };
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	print_path(at, &path);
	if (at->text)
		error_set(
			err, ERROR_CONFIG, "%s:%d: %s: %s", at->file, line_of(at), path.data, text);
	else
		error_set(err, ERROR_CONFIG, "%s: %s: %s", at->file, path.data, text);
	free(text);
	return -1;
}

/* Levenshtein's distance, for names short enough that a typing slip is plausible. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_SHOWN + 1];
	size_t len = strlen(b);

	if (len > NAME_SHOWN || strlen(a) > NAME_SHOWN)
		return NAME_SHOWN;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t best = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = best;
		}
	}
	return row[len];
}

static const char *nearest(const char *key, const char *const *keys)
{
	const char *best = NULL;
	size_t least = 3; /* more than two slips is another word */

	for (; *keys; keys++) {
		size_t slips = distance(key, *keys);

		if (slips < least) {
			least = slips;
			best = *keys;
		}
	}
	return best;
}

int json_keys(const struct json_at *at, const char *const *keys, struct error *err)
{
	const char *key;
	json_t *value;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		const char *const *known = keys;
		struct json_at member;

		while (*known && strcmp(*known, key) != 0)
			known++;
		if (*known)
			continue;
		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		json_error(&member, err, "unknown key");
		if (nearest(key, keys))
			error_hint(err, "did you mean \"%s\"?", nearest(key, keys));
		return -1;
	}
	return 0;
}

int json_member(const struct json_at *object, const char *key, struct json_at *ret)
{
	json_t *value = json_object_get(object->value, key);

	if (!value)
		return 0;
	*ret = (struct json_at){
		.value = value,
		.parent = object,
		.key = key,
		.file = object->file,
		.text = object->text,
	};
	return 1;
}

int json_element(const struct json_at *array, size_t index, struct json_at *ret)
{
	json_t *value = json_array_get(array->value, index);

	if (!value)
		return 0;
	*ret = (struct json_at){
		.value = value,
		.parent = array,
		.index = index,
		.file = array->file,
		.text = array->text,
	};
	return 1;
}

static const char *type_name(json_type type)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number",
		[JSON_REAL] = "a number",
		[JSON_TRUE] = "true or false",
		[JSON_FALSE] = "true or false",
		[JSON_NULL] = "null",
	};

	return names[type];
}

int json_is(const struct json_at *at, json_type type, struct error *err)
{
	if (json_typeof(at->value) == type)
		return 0;
	return json_error(
		at, err, "must be %s, is %s", type_name(type), type_name(json_typeof(at->value)));
}

int json_get_str(const struct json_at *at, const char **ret, struct error *err)
{
	if (json_is(at, JSON_STRING, err) < 0)
		return -1;
	/* jansson refuses \u0000 unless it is asked to allow it, so the text is all there is. */
	*ret = json_string_value(at->value);
	return 0;
}

int json_get_bool(const struct json_at *at, bool *ret, struct error *err)
{
	if (!json_is_boolean(at->value))
		return json_is(at, JSON_TRUE, err);
	*ret = json_is_true(at->value);
	return 0;
}

int json_get_int(
	const struct json_at *at, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	int64_t value;

	if (json_is(at, JSON_INTEGER, err) < 0)
		return -1;
	value = json_integer_value(at->value);
	if (value < min || value > max)
		return json_error(
			at, err, "must be from %lld to %lld", (long long)min, (long long)max);
	*ret = value;
	return 0;
}

int json_get_strv(const struct json_at *at, struct strv *ret, struct error *err)
{
	struct json_at element;
	const char *text;

	if (json_is(at, JSON_ARRAY, err) < 0)
		return -1;
	for (size_t i = 0; json_element(at, i, &element); i++) {
		if (json_get_str(&element, &text, err) < 0)
			return -1;
		strv_add(ret, text);
	}
	return 0;
}

void json_print(const json_t *value, bool newline, struct buf *ret)
{
	char *text = json_dumps(
		value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	if (!text)
		abort(); /* out of memory: every value that exists can be printed */
	buf_add_str(ret, text);
	if (newline)
		buf_add_str(ret, "\n");
	free(text);
}

void json_print_pretty(const json_t *value, struct buf *ret)
{
	char *text = json_dumps(value, JSON_INDENT(2));

	if (!text)
		abort(); /* as above */
	buf_add_str(ret, text);
	buf_add_str(ret, "\n");
	free(text);
}
