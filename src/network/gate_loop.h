/* Private to network: what the gates' process does once it is confined. */
#ifndef NETWORK_GATE_LOOP_H
#define NETWORK_GATE_LOOP_H

#include "network/gates.h"

/* Serves until control ends, and then until what dead places sent is delivered. resolver: -1 where
 * no name is to be looked up. */
int gate_run(const struct gates_config *config, int control, int resolver, struct error *err);

#endif
