/* Env files: the cursor that all dialects share, and the two dialects without syntax (docker and
 * JSON). Where a real tool would silently ignore or keep a line of nonsense, this is an error. */
#include "model/envfile.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "envfile_reader.h"
#include "model/name.h"
#include "model/text.h"
#include "read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reader_error(
	const struct reader *reader, const char *place, struct error *err, const char *fmt, ...)
{
	char message[sizeof err->text];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof message, fmt, args); /* cut is fine */
	va_end(args);
	return text_error(reader->file, reader->text, place, err, "%s", message);
}

bool reader_is_plain(char c)
{
	return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

const char *reader_line_end(const char *at)
{
	const char *end = at + strcspn(at, "\n");

	return end > at && end[-1] == '\r' ? end - 1 : end;
}

void reader_next_line(struct reader *reader)
{
	reader->at += strcspn(reader->at, "\n");
	reader->at += *reader->at == '\n';
}

int reader_add(struct reader *reader, const char *place, const char *key, const char *value,
	struct error *err)
{
	struct strv *items = &reader->items;
	size_t len = strlen(key);

	for (size_t i = 0; i < items->len; i++) {
		unsigned line = 1;

		if (strncmp(items->items[i], key, len) != 0 || items->items[i][len] != '=')
			continue;
		for (const char *c = reader->text; c < reader->places[i]; c++)
			line += *c == '\n';
		return reader_error(reader, place, err, "%s is already set in line %u", key, line);
	}
	if (items->len == VARIABLES_MAX)
		return reader_error(
			reader, place, err, "more than %d variables", (int)VARIABLES_MAX);
	reader->places = memory_resize(reader->places, items->len + 1, sizeof *reader->places);
	reader->places[items->len] = place;
	strv_addf(items, "%s=%s", key, value);
	return 0;
}

int reader_key(struct reader *reader, bool blanks, char **ret, struct error *err)
{
	const char *place = reader->at;
	const char *end = place + strcspn(place, "=\n");
	const char *behind = end;
	char *key;

	if (*end != '=') {
		/* It may be part of a secret of several lines, and is not repeated. */
		reader_error(reader, place, err, "the line has no =");
		return error_hint(err, "a line is KEY=VALUE; -e KEY=VALUE sets it from elsewhere");
	}
	while (blanks && behind > place && strchr(" \t", behind[-1]))
		behind--;
	key = memory_format("%.*s", (int)(behind - place), place);
	if (!(reader->port && strcmp(key, "PORT") == 0) && name_check_variable(key, err) < 0) {
		const struct error inner = *err;

		free(key);
		reader_error(reader, place, err, "%s", inner.text);
		memcpy(err->hint, inner.hint, sizeof err->hint);
		return -1;
	}
	reader->at = end + 1;
	if (blanks)
		reader->at += strspn(reader->at, " \t");
	*ret = key;
	return 0;
}

static int read_docker_line(struct reader *reader, struct error *err)
{
	const char *place = reader->at;
	CLEANUP_FREE char *value = NULL;
	CLEANUP_FREE char *key = NULL;
	const char *end;

	if (reader_key(reader, false, &key, err) < 0)
		return -1;
	end = reader_line_end(reader->at);
	for (const char *c = reader->at; c < end; c++)
		if (!reader_is_plain(*c))
			return reader_error(reader, c, err, "a control character");
	value = memory_format("%.*s", (int)(end - reader->at), reader->at);
	return reader_add(reader, place, key, value, err);
}

/* docker/cli's kvfile: blanks before a key are dropped, comments only at the start of a line, the
 * value is what is behind the =, quotes and all. */
static int read_docker(struct reader *reader, struct error *err)
{
	for (; *reader->at; reader_next_line(reader)) {
		reader->at += strspn(reader->at, " \t");
		if (*reader->at == '#' || reader_line_end(reader->at) == reader->at)
			continue;
		if (read_docker_line(reader, err) < 0)
			return -1;
	}
	return 0;
}

static int read_json(const struct reader *reader, size_t len, struct strv *ret, struct error *err)
{
	CLEANUP_JSON json_t *top = NULL;
	struct json_at at = { .file = reader->file, .text = reader->at };
	const char *key;
	json_t *value;

	if (json_parse(reader->file, reader->at, len, &top, err) < 0)
		return -1;
	at.value = top;
	if (read_object(&at, VARIABLES_MAX, err) < 0)
		return -1;
	json_object_foreach (top, key, value) {
		struct json_at member;
		const char *string;

		(void)json_member(&at, key, &member); /* it is there: we are iterating over it */
		if (!(reader->port && strcmp(key, "PORT") == 0) &&
			read_variable(&member, key, err) < 0)
			return -1;
		if (json_get_str(&member, &string, err) < 0)
			return -1;
		strv_addf(ret, "%s=%s", key, string);
	}
	return 0;
}

enum envfile_dialect envfile_dialect(const char *argument, const char **ret_path)
{
	static const struct {
		const char *prefix;
		enum envfile_dialect dialect;
	} known[] = {
		{ "dotenv:", ENVFILE_DOTENV },
		{ "docker:", ENVFILE_DOCKER },
		{ "systemd:", ENVFILE_SYSTEMD },
		{ "json:", ENVFILE_JSON },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t len = strlen(known[i].prefix);

		if (strncmp(argument, known[i].prefix, len) == 0) {
			*ret_path = argument + len;
			return known[i].dialect;
		}
	}
	*ret_path = argument;
	return ENVFILE_DOTENV;
}

static int read_lines(enum envfile_dialect dialect, struct reader *reader, struct error *err)
{
	switch (dialect) {
	case ENVFILE_DOCKER:
		return read_docker(reader, err);
	case ENVFILE_SYSTEMD:
		return reader_systemd(reader, err);
	default:
		return reader_dotenv(reader, err);
	}
}

/* reader says file, text and what is allowed. */
static int parse(enum envfile_dialect dialect, struct reader *reader, size_t len, struct strv *ret,
	struct error *err)
{
	const char *text = reader->text;
	int result;

	if (text_check(reader->file, text, len, err) < 0)
		return -1;
	reader->at = text + text_bom(text, len);
	if (dialect == ENVFILE_JSON)
		result = read_json(reader, len - (size_t)(reader->at - text), &reader->items, err);
	else
		result = read_lines(dialect, reader, err);
	free(reader->places);
	if (result == 0)
		strv_add_all(ret, &reader->items);
	strv_done(&reader->items);
	return result;
}

int envfile_parse(enum envfile_dialect dialect, const char *file, const char *text, size_t len,
	struct strv *ret, struct error *err)
{
	struct reader reader = { .file = file, .text = text };

	return parse(dialect, &reader, len, ret, err);
}

int envfile_parse_foreman(enum envfile_dialect dialect, const char *file, const char *text,
	size_t len, struct strv *ret, char **ret_port, struct error *err)
{
	struct reader reader = { .file = file, .text = text, .port = true };
	CLEANUP_STRV struct strv items = { 0 };

	if (parse(dialect, &reader, len, &items, err) < 0)
		return -1;
	*ret_port = memory_copy_str(strv_env_get(&items, "PORT"));
	for (size_t i = 0; i < items.len; i++)
		if (strncmp(items.items[i], "PORT=", 5) != 0)
			strv_add(ret, items.items[i]);
	return 0;
}
