/* What every verb is given, and the verbs themselves. cli is the only layer that prints: data to
 * stdout, progress and errors to stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/error.h"

#include <stdbool.h>

/* isorun's own settings, from its environment, as a twelve-factor program's should be. */
struct cli {
	char *root;          /* ISORUN_ROOT, else /var/lib/isorun or $XDG_DATA_HOME/isorun */
	char *runtime_dir;   /* ISORUN_RUNTIME_DIR, else /run/isorun or $XDG_RUNTIME_DIR/isorun */
	const char *network; /* ISORUN_NETWORK, or NULL */
	bool color;          /* stdout is a terminal and NO_COLOR is not set */
	int failure_status;  /* exit status of a failure; 0: as its kind says. run -- sets 125 */
};

/* A verb: argv[0] is its name. Returns the exit status, or -1 with err, which main prints. */
typedef int cli_verb(struct cli *cli, int argc, char **argv, struct error *err);

cli_verb cli_init, cli_start, cli_build, cli_release, cli_run, cli_releases, cli_inspect,
	cli_verify, cli_rollback, cli_gc, cli_doctor;

/* Where an ISORUN_RUNTIME_DIR that is not set lies: $XDG_RUNTIME_DIR/isorun and so on. The caller
 * frees it. */
char *cli_runtime_dir(void);

/* Makes sure that nobody else has a hand in the runtime directory; before it is used. */
int cli_check_runtime(const struct cli *cli, struct error *err);

/* Warns of the groups that stay with the processes of an ordinary user's run. */
void cli_warn_of_groups(void);

/* "isorun: TEXT" and, if there is one, "hint: HINT", to stderr. */
void cli_print_error(const struct error *err);

/* "isorun: warning: TEXT" to stderr. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A step that may take longer than a second begins; a progress callback of the layers below. On a
 * terminal one line that the next one replaces, plain lines elsewhere; NULL wipes the line. The
 * context is unused. */
void cli_progress(void *context, const char *step);

#endif
