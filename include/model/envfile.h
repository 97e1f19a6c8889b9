/* Env files in the dialects that tools really read. "dotenv", the default, is the part that all
 * dotenv readers agree on; what they read differently is an error with line and column, never a
 * guess. Values are opaque: nothing is ever interpolated. */
#ifndef MODEL_ENVFILE_H
#define MODEL_ENVFILE_H

#include "base/error.h"
#include "base/strv.h"

#include <stddef.h>

enum envfile_dialect {
	ENVFILE_DOTENV,  /* export, quotes, comments, quoted text over several lines */
	ENVFILE_DOCKER,  /* docker run --env-file: everything behind = as it is */
	ENVFILE_SYSTEMD, /* systemd.exec(5), EnvironmentFile= */
	ENVFILE_JSON,    /* one object of strings */
};

/* The dialect of an argument such as "docker:FILE"; *ret_path points behind the prefix. */
enum envfile_dialect envfile_dialect(const char *argument, const char **ret_path);

/* Reads a file's text (text[len] must be a NUL) as KEY=VALUE items in its order. Errors are
 * ERROR_CONFIG "FILE:LINE:COLUMN: …": bad names, names that isorun sets itself, duplicates, text
 * that is not UTF-8, a NUL, and whatever a dialect does not allow. */
int envfile_parse(enum envfile_dialect dialect, const char *file, const char *text, size_t len,
	struct strv *ret, struct error *err);

/* The same of an .env as foreman reads it: PORT may stand in it and means where isorun publishes,
 * not what the app gets. It is not among the items; *ret_port is a copy of its value, or NULL. */
int envfile_parse_foreman(enum envfile_dialect dialect, const char *file, const char *text,
	size_t len, struct strv *ret, char **ret_port, struct error *err);

#endif
