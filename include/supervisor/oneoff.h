/* A one-off: any command in the environment that an instance of the release has, in the
 * foreground, with the caller's own standard streams. */
#ifndef SUPERVISOR_ONEOFF_H
#define SUPERVISOR_ONEOFF_H

#include "base/error.h"
#include "base/strv.h"
#include "supervisor/site.h"

#include <stdbool.h>
#include <stddef.h>

struct oneoff_config {
	struct site_config site;
	const struct process_type *type; /* like an instance of it; NULL: oneoff_type */
	const struct strv *argv;         /* NULL: the type's own command */
	bool terminal;                   /* -t */
	const char *term;                /* TERM, or NULL */
};

/* A destination that it was refused, and how often: "connection to 93.184.216.34:443". */
struct oneoff_refused {
	char what[96];
	unsigned times;
};

enum { ONEOFF_REFUSED = 5, ONEOFF_NOTICES = 20, ONEOFF_LOST = 125 };

struct oneoff_result {
	int status;       /* as a shell says it: 128 + N when signal N ended it. ONEOFF_LOST: it
			     was 0, but not all of its output could be written */
	bool oom;         /* it was killed for its memory limit */
	unsigned missing; /* CGROUP_* of limits that this host cannot enforce */
	char notice[512]; /* "" or why it cannot */
	struct oneoff_refused refused[ONEOFF_REFUSED]; /* the first ones */
	size_t refused_count;
	unsigned refused_others; /* how often any other */
	struct strv notices;     /* about services and streams, the first ones; the caller frees */
};

/* The process type that a one-off is like: web, or the first. */
const struct process_type *oneoff_type(const struct release *release);

/* Runs it to its end. ERROR_NOT_FOUND and ERROR_NOT_EXECUTABLE say what became of the command;
 * any other error is isorun's own. */
int oneoff_run(const struct oneoff_config *config, struct oneoff_result *ret, struct error *err);

#endif
