/* A formation in the foreground: starts it, keeps it running, publishes its ports, merges its
 * output, stops it on request. Nothing of it survives the call, nor the process. */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "base/error.h"
#include "supervisor/formation.h"
#include "supervisor/line.h"
#include "supervisor/site.h"

struct supervisor_config {
	struct site_config site;
	const struct formation *formation;
	int output; /* of the log stream */
	enum line_format format;
	bool color;
};

/* Runs until SIGTERM, SIGINT or SIGHUP (graceful; the second one kills): 0. Or until an instance
 * fails for good, or nobody reads the log any more: -1, after everything was stopped. */
int supervisor_run(const struct supervisor_config *config, struct error *err);

#endif
