/* Private to network: the gates' process. */
#ifndef NETWORK_GATE_PROCESS_H
#define NETWORK_GATE_PROCESS_H

#include "helper.h"
#include "network/gates.h"

/* Starts it, confined, in the calling process's network namespace. */
int gate_process_start(const struct gates_config *config, struct helper *ret, struct error *err);

#endif
