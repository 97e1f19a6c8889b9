/* Commands as people write them in a manifest or Procfile: one string. Where its only shell syntax
 * is $VAR, ${VAR} and quotes (' " \), it needs no shell: it is split here and executed directly,
 * and its variables are expanded at launch from the process's own final environment, whole names
 * only ($FOO leaves $FOOBAR alone). An unquoted variable's value is split at white space, as a
 * shell would; it is not globbed. Any other string is given to /bin/sh -c, with "exec" before it
 * where it is one simple command, so that the shell does not stay in between. */
#ifndef MODEL_COMMAND_H
#define MODEL_COMMAND_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>

enum { COMMAND_MAX = 32768 };

struct command {
	struct strv argv; /* with shell: /bin/sh, -c, text; else the words, variables as written */
	bool shell;       /* argv is /bin/sh -c …, so the root needs /bin/sh */
	bool variables;   /* not shell, and there are variables: command_expand at launch */
};

/* Reads a command. An empty one, an unclosed quote, a control character and more than COMMAND_MAX
 * bytes are ERROR_CONFIG. */
int command_parse(const char *text, struct command *ret, struct error *err);

/* The argv of a text that command_parse accepted: as command_parse gives it with shell, else split
 * with its variables' values from env (KEY=VALUE; an unset one is empty). May come out empty. */
void command_expand(const char *text, const struct strv *env, struct strv *ret);

/* argv that runs text in /bin/sh, whatever it is. */
void command_shell(const char *text, struct strv *ret);

void command_done(struct command *command);

#endif
