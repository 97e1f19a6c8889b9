/* Readiness: connects to a process again and again until it answers or its time is over. */
#ifndef SUPERVISOR_PROBE_H
#define SUPERVISOR_PROBE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct probe;

enum { PROBE_TEXT = 120 };

/* A non-blocking socket that is connecting, or -1. */
typedef int probe_on_dial(void *context);

/* The end: ready, or timed out and why, as far as the connections told ("answers GET /healthz with
 * status 503", or empty). The probe is gone when this is called. */
typedef void probe_on_end(void *context, bool ready, const char *why);

struct probe_config {
	struct loop *loop;
	const char
		*path; /* HTTP: GET it until the answer is 2xx or 3xx; NULL: a connection will do */
	uint64_t timeout; /* milliseconds */
	probe_on_dial *dial;
	probe_on_end *end;
	void *context;
};

/* Begins; config is copied, path borrowed. *slot is reset to NULL when the probe ends. */
void probe_start(const struct probe_config *config, struct probe **slot);

/* Gives up without calling end. NULL is fine. */
void probe_cancel(struct probe **slot);

/* The status of an HTTP response's first line, 0 if it is none. */
unsigned probe_parse_status(const char *text);

#endif
