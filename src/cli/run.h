/* A formation in the foreground, for the verbs that run one. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "base/error.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/target.h"
#include "store/store.h"

#include <stdint.h>

struct run_request {
	const struct strv *words; /* "web", "web=2", as formation_choose reads them */
	const struct strv *ports; /* "[ADDRESS:]PORT[:TYPE]", instead of the release's; or empty */
	const char *log_format;   /* NULL: the release's, else what suits standard output */
	uint64_t wait;            /* milliseconds for services to answer, then fail; 0: no wait */
};

/* Runs the target's formation until it is stopped; returns its exit status, or -1. What of the
 * release the request replaces is replaced in target. */
int run_formation(const struct cli *cli, const struct run_request *request,
	const struct store *store, struct target *target, struct error *err);

/* The value of --wait-services, in milliseconds; NULL leaves *ret. ERROR_USAGE. */
int run_read_wait(const char *text, uint64_t *ret, struct error *err);

#endif
