/* Names that come from people and strangers and end up in paths, host names, cgroups and variables.
 * One strict pattern a kind, so that nothing behind the check has to quote or escape. */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include "base/error.h"

#include <stdbool.h>

enum name_kind {
	NAME_APP,      /* [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?, a label of RFC 1123 */
	NAME_DEPLOY,   /* the same */
	NAME_PROCESS,  /* [A-Za-z0-9][A-Za-z0-9_-]{0,62} */
	NAME_SERVICE,  /* the same */
	NAME_VARIABLE, /* [A-Za-z_][A-Za-z0-9_]{0,254} */
	NAME_PACKAGE,  /* [a-z0-9][a-z0-9+.-]{1,127}, Debian policy 5.6.1 */
	NAME_SUITE,    /* [a-z][a-z0-9-]{0,62}, a Debian suite */
};

/* Whether text is a name of this kind. */
bool name_is(enum name_kind kind, const char *text);

/* The same as an error: "\"a/b\" is not an app name (lower-case letters, …)", ERROR_CONFIG. */
int name_check(enum name_kind kind, const char *text, struct error *err);

/* Whether isorun sets this variable itself in every process: PORT, DYNO, ISORUN_…. */
bool name_is_reserved(const char *variable);

/* Checks a variable that a manifest or config wants to set: its name, and that isorun does not set
 * it itself. */
int name_check_variable(const char *text, struct error *err);

#endif
