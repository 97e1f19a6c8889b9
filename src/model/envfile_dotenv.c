/* The dotenv dialect, compose-go's without interpolation:
 *
 *	[export ]KEY = VALUE	blanks around = and behind the value are dropped
 *	KEY=word # comment	# begins a comment at the start of a line or behind a blank
 *	KEY='raw'		nothing is special but ', lines may break
 *	KEY="a\nb"		\n \r \t \\ \" \$ and nothing else behind a backslash, lines may
 *				break
 *
 * Quotes inside an unquoted value are themselves, as is $. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "envfile_reader.h"

#include <string.h>

/* Adds the character at the cursor to a quoted value; a CR before a newline is part of neither. */
static int add_quoted(struct reader *reader, struct buf *value, struct error *err)
{
	char c = *reader->at;

	if (c == '\r' && reader->at[1] == '\n') {
		reader->at++;
		return 0;
	}
	if (!reader_is_plain(c) && c != '\n')
		return reader_error(reader, reader->at, err, "a control character");
	buf_add(value, reader->at++, 1);
	return 0;
}

static int add_escape(struct reader *reader, struct buf *value, struct error *err)
{
	static const char names[] = "nrt\\\"$", values[] = "\n\r\t\\\"$";
	const char *name = reader->at[1] ? strchr(names, reader->at[1]) : NULL;

	if (!name) {
		reader_error(reader, reader->at, err, "not one of \\n \\r \\t \\\\ \\\" \\$");
		return error_hint(err, "in ' ' a backslash is itself");
	}
	buf_add(value, &values[name - names], 1);
	reader->at += 2;
	return 0;
}

static int read_quoted(struct reader *reader, struct buf *value, struct error *err)
{
	const char *open = reader->at++;

	while (*reader->at != *open) {
		int result;

		if (!*reader->at)
			return reader_error(reader, open, err, "a quote that is not closed");
		if (*open == '"' && *reader->at == '\\')
			result = add_escape(reader, value, err);
		else
			result = add_quoted(reader, value, err);
		if (result < 0)
			return -1;
	}
	reader->at++;
	return 0;
}

/* Behind a closing quote: blanks, then the end of the line or a comment. */
static int expect_end(struct reader *reader, struct error *err)
{
	size_t blanks = strspn(reader->at, " \t");
	const char *at = reader->at + blanks;

	if (reader_line_end(at) == at || (blanks > 0 && *at == '#'))
		return 0;
	return reader_error(reader, at, err, "text behind the closing quote");
}

static int read_unquoted(struct reader *reader, struct buf *value, struct error *err)
{
	const char *line_end = reader_line_end(reader->at);
	const char *end = reader->at;

	for (const char *c = reader->at; c < line_end; c++) {
		if (!reader_is_plain(*c))
			return reader_error(reader, c, err, "a control character");
		if (*c == '#' && strchr(" \t", c[-1]))
			break;
		if (!strchr(" \t", *c))
			end = c + 1;
	}
	buf_add(value, reader->at, (size_t)(end - reader->at));
	return 0;
}

static int read_value(struct reader *reader, struct buf *value, struct error *err)
{
	char first = *reader->at;

	if (first == '`') {
		reader_error(reader, reader->at, err, "a value in ` `, which few tools read");
		return error_hint(err, "use ' ' around it");
	}
	if (first != '\'' && first != '"')
		return read_unquoted(reader, value, err);
	if (read_quoted(reader, value, err) < 0)
		return -1;
	return expect_end(reader, err);
}

static void skip_export(struct reader *reader)
{
	if (strncmp(reader->at, "export", 6) == 0 && reader->at[6] &&
		strchr(" \t", reader->at[6])) {
		size_t blanks = strspn(reader->at + 6, " \t");

		if (reader->at[6 + blanks] != '=') /* a variable called export */
			reader->at += 6 + blanks;
	}
}

int reader_dotenv(struct reader *reader, struct error *err)
{
	for (; *reader->at; reader_next_line(reader)) {
		CLEANUP_BUF struct buf value = { 0 };
		CLEANUP_FREE char *key = NULL;
		const char *place;

		reader->at += strspn(reader->at, " \t");
		if (*reader->at == '#' || reader_line_end(reader->at) == reader->at)
			continue;
		skip_export(reader);
		place = reader->at;
		if (reader_key(reader, true, &key, err) < 0 || read_value(reader, &value, err) < 0)
			return -1;
		if (reader_add(reader, place, key, value.data ? value.data : "", err) < 0)
			return -1;
	}
	return 0;
}
