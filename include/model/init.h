/* A first isorun.json for a codebase that was written for other tools: what its Procfile, app.json,
 * package.json and requirements.txt say, said as a manifest. Text in, a document out; who reads
 * the files and writes the result is above. */
#ifndef MODEL_INIT_H
#define MODEL_INIT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* The text of a file; text[len] is a NUL. NULL: it is not there. */
struct init_file {
	const char *name; /* for errors and notes */
	const char *text;
	size_t len;
};

struct init_input {
	struct init_file procfile, app, package, requirements;
	bool npm_lock;         /* there is a package-lock.json or npm-shrinkwrap.json */
	const char *directory; /* the codebase's name where nothing else names it */
	const char *suite;     /* the Debian suite that packages come from */
};

/* Appends the manifest's text, in the order in which people read it, and to ret_notes one line for
 * each thing that has no counterpart or was guessed. manifest_parse accepts the text. ERROR_CONFIG
 * with file, line and place for malformed input, and where nothing says what to run. */
int init_manifest(
	const struct init_input *input, struct buf *ret, struct strv *ret_notes, struct error *err);

#endif
