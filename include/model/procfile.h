/* A Procfile: one "name: command" a line. Superset of what Heroku, foreman, honcho and overmind
 * read, stricter where they silently ignore: a line that is none of these is an error. */
#ifndef MODEL_PROCFILE_H
#define MODEL_PROCFILE_H

#include "base/error.h"

#include <stddef.h>

struct procfile_entry {
	char *name;
	char *command; /* as written, blanks around it removed; never empty */
	unsigned line; /* from 1 */
};

struct procfile {
	struct procfile_entry *entries; /* in the order of the file */
	size_t count;
};

/* Reads len bytes; an optional BOM and CRLF are fine, lines starting with # or // are comments.
 * ERROR_CONFIG "FILE:LINE:COLUMN: …" for an unparsable line, a duplicate, text that is not UTF-8 or
 * holds control characters, and a file without any process. */
int procfile_parse(
	const char *file, const char *text, size_t len, struct procfile *ret, struct error *err);

void procfile_done(struct procfile *procfile);

#endif
