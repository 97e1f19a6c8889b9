/* What the dialects of env files share: a cursor over the text and the list of what was read. */
#ifndef MODEL_ENVFILE_READER_H
#define MODEL_ENVFILE_READER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

struct reader {
	const char *file;
	const char *text; /* NUL-terminated, and no NUL before */
	const char *at;
	struct strv items;
	const char **places; /* where the key of each item stands */
	bool port;           /* PORT is a variable like any other */
};

/* Moves over a key with its "=" and returns it in *ret (freed by the caller); blanks around both
 * are skipped, and behind the "=" too with blanks. */
int reader_key(struct reader *reader, bool blanks, char **ret, struct error *err);

/* Adds an item whose key stands at place; a duplicate is an error there. */
int reader_add(struct reader *reader, const char *place, const char *key, const char *value,
	struct error *err);

/* An error at a place; returns -1. */
int reader_error(const struct reader *reader, const char *place, struct error *err, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* Whether a byte may stand in a value as it is: no control character but a tab. */
bool reader_is_plain(char c);

/* The end of the line that at is in, without a CR. */
const char *reader_line_end(const char *at);

/* Moves to the start of the next line. */
void reader_next_line(struct reader *reader);

int reader_dotenv(struct reader *reader, struct error *err);
int reader_systemd(struct reader *reader, struct error *err);

#endif
