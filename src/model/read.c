/* Typed reads on top of base/json: names, sizes, times, paths, limits. */
#include "read.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { CPU_MAX = 4096, PIDS_MAX = 4194304, PATH_MOST = 1024 };

int read_error(const struct json_at *at, struct error *err)
{
	const struct error inner = *err;

	json_error(at, err, "%s", inner.text);
	memcpy(err->hint, inner.hint, sizeof err->hint);
	return -1;
}

int read_object(const struct json_at *at, size_t max, struct error *err)
{
	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	if (json_object_size(at->value) > max)
		return json_error(at, err, "has more than %zu members", max);
	return 0;
}

int read_text(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (!*text)
		return json_error(at, err, "is empty");
	*ret = memory_copy_str(text);
	return 0;
}

int read_name(const struct json_at *at, enum name_kind kind, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (name_check(kind, text, err) < 0)
		return read_error(at, err);
	*ret = memory_copy_str(text);
	return 0;
}

int read_key(const struct json_at *member, enum name_kind kind, struct error *err)
{
	if (name_check(kind, member->key, err) < 0)
		return read_error(member->parent, err);
	return 0;
}

int read_size(const struct json_at *at, uint64_t *ret, struct error *err)
{
	const char *text;
	int64_t number;

	if (json_is_integer(at->value)) {
		if (json_get_int(at, 1, INT64_MAX, &number, err) < 0)
			return -1;
		*ret = (uint64_t)number;
		return 0;
	}
	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (number_parse_size(text, ret, err) < 0)
		return read_error(at, err);
	return 0;
}

int read_duration(const struct json_at *at, uint64_t *ret, struct error *err)
{
	const char *text;
	int64_t number;

	if (json_is_integer(at->value)) {
		if (json_get_int(at, 0, 24 * 60 * 60, &number, err) < 0)
			return -1;
		*ret = (uint64_t)number * 1000;
		return 0;
	}
	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (number_parse_duration(text, ret, err) < 0)
		return read_error(at, err);
	return 0;
}

/* Whether no component of a path is empty, "." or "..", nor holds a control character. */
static bool is_clean(const char *path)
{
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");

		if (len == 0 || (len == 1 && *at == '.') ||
			(len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
				return false;
		at += len;
		if (!*at)
			return true;
	}
}

int read_path_below(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;
	size_t skip;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	skip = strncmp(text, "./", 2) == 0 ? 2 : 0;
	if (strlen(text) > PATH_MOST || !is_clean(text + skip))
		return json_error(at, err, "\"%.80s\" is not a path below the codebase", text);
	*ret = memory_copy_str(text + skip);
	return 0;
}

int read_variable(const struct json_at *at, const char *key, struct error *err)
{
	if (name_check_variable(key, err) < 0)
		return read_error(at, err);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void sort_by_name(void *elements, size_t count, size_t size)
{
	if (count > 1)
		qsort(elements, count, size, compare_names);
}

static int read_cpu(const struct json_at *at, uint32_t *ret, struct error *err)
{
	double cpu = json_number_value(at->value);

	if (!json_is_number(at->value))
		return json_is(at, JSON_REAL, err);
	if (!(cpu >= 0.001 && cpu <= CPU_MAX))
		return json_error(at, err, "must be from 0.001 to %d", (int)CPU_MAX);
	*ret = (uint32_t)(cpu * 1000 + 0.5);
	return 0;
}

int read_limits(const struct json_at *at, struct limits *ret, struct error *err)
{
	static const char *const keys[] = { "memory", "cpu", "pids", "tmp", NULL };
	struct json_at member;
	int64_t pids;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "memory", &member) && read_size(&member, &ret->memory, err) < 0)
		return -1;
	if (json_member(at, "cpu", &member) && read_cpu(&member, &ret->cpu_milli, err) < 0)
		return -1;
	if (json_member(at, "tmp", &member) && read_size(&member, &ret->tmp, err) < 0)
		return -1;
	if (!json_member(at, "pids", &member))
		return 0;
	if (json_get_int(&member, 1, PIDS_MAX, &pids, err) < 0)
		return -1;
	ret->pids = (uint32_t)pids;
	return 0;
}

json_t *print_limits(const struct limits *limits)
{
	json_t *object = json_object();

	if (limits->memory)
		json_object_set_new(object, "memory", json_integer((json_int_t)limits->memory));
	if (limits->cpu_milli)
		json_object_set_new(object, "cpu",
			limits->cpu_milli % 1000 ? json_real(limits->cpu_milli / 1000.0)
						 : json_integer(limits->cpu_milli / 1000));
	if (limits->pids)
		json_object_set_new(object, "pids", json_integer(limits->pids));
	if (limits->tmp)
		json_object_set_new(object, "tmp", json_integer((json_int_t)limits->tmp));
	return object;
}

json_t *print_strv(const struct strv *strv)
{
	json_t *array = json_array();

	for (size_t i = 0; i < strv->len; i++)
		json_array_append_new(array, json_string(strv->items[i]));
	return array;
}
