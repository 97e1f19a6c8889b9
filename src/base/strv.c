/* String vectors: argument lists, environments and lists of names. Never shared, always copied:
 * they are short, and one owner makes every error path a plain return. */
#include "base/strv.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_owned(struct strv *strv, char *text)
{
	strv->items = memory_resize(strv->items, strv->len + 2, sizeof *strv->items);
	strv->items[strv->len++] = text;
	strv->items[strv->len] = NULL;
}

void strv_add(struct strv *strv, const char *text)
{
	add_owned(strv, memory_copy_str(text));
}

void strv_addf(struct strv *strv, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	add_owned(strv, text);
}

void strv_add_all(struct strv *strv, const struct strv *from)
{
	for (size_t i = 0; i < from->len; i++)
		strv_add(strv, from->items[i]);
}

bool strv_has(const struct strv *strv, const char *text)
{
	for (size_t i = 0; i < strv->len; i++)
		if (strcmp(strv->items[i], text) == 0)
			return true;
	return false;
}

static char **env_find(const struct strv *strv, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < strv->len; i++)
		if (strncmp(strv->items[i], key, len) == 0 && strv->items[i][len] == '=')
			return &strv->items[i];
	return NULL;
}

const char *strv_env_get(const struct strv *strv, const char *key)
{
	char **item = env_find(strv, key);

	return item ? *item + strlen(key) + 1 : NULL;
}

void strv_env_set(struct strv *strv, const char *key, const char *value)
{
	char **item = env_find(strv, key);
	char *text = memory_format("%s=%s", key, value);

	if (!item) {
		add_owned(strv, text);
		return;
	}
	free(*item);
	*item = text;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *strv)
{
	if (strv->len > 1)
		qsort(strv->items, strv->len, sizeof *strv->items, compare);
}

void strv_done(struct strv *strv)
{
	for (size_t i = 0; i < strv->len; i++)
		free(strv->items[i]);
	free(strv->items);
	*strv = (struct strv){ 0 };
}
