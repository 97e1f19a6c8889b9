/* systemd's dialect, as systemd.exec(5) describes EnvironmentFile= and its reader does it:
 *
 *	# and ; begin comments, only at the start of a line
 *	pieces in quotes stand side by side: "a"'b' is ab, "a" "b" too
 *	in " " a backslash stands before " \ ` $ or a line's end, else for itself; ' ' is raw
 *	elsewhere a backslash takes the next character as it is and joins lines
 *	blanks at the end of an unquoted value are dropped; nothing is interpolated
 *
 * Lines that systemd would ignore are errors here. */
#include "base/cleanup.h"
#include "envfile_reader.h"

#include <string.h>

static int check(const struct reader *reader, bool quoted, struct error *err)
{
	char c = *reader->at;

	if (reader_is_plain(c) || c == '\r' || (quoted && c == '\n'))
		return 0;
	return reader_error(reader, reader->at, err, "a control character");
}

static int read_piece(struct reader *reader, struct buf *value, struct error *err)
{
	const char *open = reader->at++;

	for (; *reader->at != *open; reader->at++) {
		if (!*reader->at)
			return reader_error(reader, open, err, "a quote that is not closed");
		if (*open == '"' && *reader->at == '\\' && reader->at[1]) {
			reader->at++;
			if (*reader->at == '\n')
				continue;
			if (!strchr("\"\\`$", *reader->at))
				buf_add_str(value, "\\");
		}
		if (check(reader, true, err) < 0)
			return -1;
		buf_add(value, reader->at, 1);
	}
	reader->at++;
	return 0;
}

/* An unquoted value runs to the end of its line; quotes inside it are themselves. */
static int read_rest(struct reader *reader, struct buf *value, struct error *err)
{
	size_t kept = value->len;

	for (; *reader->at && *reader->at != '\n'; reader->at++) {
		bool escaped = *reader->at == '\\' && reader->at[1];

		reader->at += escaped;
		if (escaped && *reader->at == '\n')
			continue;
		if (check(reader, false, err) < 0)
			return -1;
		buf_add(value, reader->at, 1);
		if (escaped || !strchr(" \t\r", *reader->at))
			kept = value->len;
	}
	value->len = kept;
	if (value->data)
		value->data[kept] = '\0';
	return 0;
}

static int read_value(struct reader *reader, struct buf *value, struct error *err)
{
	for (;;) {
		reader->at += strspn(reader->at, " \t\r");
		if (*reader->at != '\'' && *reader->at != '"')
			return read_rest(reader, value, err);
		if (read_piece(reader, value, err) < 0)
			return -1;
	}
}

int reader_systemd(struct reader *reader, struct error *err)
{
	for (; *reader->at; reader_next_line(reader)) {
		CLEANUP_BUF struct buf value = { 0 };
		CLEANUP_FREE char *key = NULL;
		const char *place;

		reader->at += strspn(reader->at, " \t");
		if (strchr("#;", *reader->at) || reader_line_end(reader->at) == reader->at)
			continue;
		place = reader->at;
		if (reader_key(reader, true, &key, err) < 0 || read_value(reader, &value, err) < 0)
			return -1;
		if (reader_add(reader, place, key, value.data ? value.data : "", err) < 0)
			return -1;
	}
	return 0;
}
