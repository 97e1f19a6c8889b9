/* Private to network: what the gates' process does once it is confined. */
#ifndef NETWORK_GATE_LOOP_H
#define NETWORK_GATE_LOOP_H

#include "egress.h"
#include "network/gates.h"

/* What the process is given. */
struct gate_parts {
	int control;
	int resolver;          /* -1: no name is to be looked up */
	struct egress *egress; /* NULL: closed */
};

/* Serves until control ends, and then until what dead places sent is delivered. */
int gate_run(const struct gates_config *config, const struct gate_parts *parts, struct error *err);

#endif
