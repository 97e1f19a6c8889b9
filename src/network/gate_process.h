/* Private to network: the gates' process. */
#ifndef NETWORK_GATE_PROCESS_H
#define NETWORK_GATE_PROCESS_H

#include "network/gates.h"

struct gate_process {
	int pidfd;
	int control;
};

#define GATE_PROCESS_NONE ((struct gate_process){ .pidfd = -1, .control = -1 })

/* Starts it, confined, in the calling process's network namespace. */
int gate_process_start(
	const struct gates_config *config, struct gate_process *ret, struct error *err);

/* Has it end, by itself if it does so within milliseconds. */
void gate_process_stop(struct gate_process *process, int milliseconds);

#endif
