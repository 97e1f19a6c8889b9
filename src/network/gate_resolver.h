/* Private to network: the process that looks up names for the gates. */
#ifndef NETWORK_GATE_RESOLVER_H
#define NETWORK_GATE_RESOLVER_H

#include "network/gates.h"

/* Starts it, confined but for the files and the network of the calling process, of which it is a
 * child; returns the socket that takes struct gate_question and gives struct gate_answer, or -1.
 * unneeded is closed in it. */
int gate_resolver_start(const struct gates_config *config, int unneeded, struct error *err);

#endif
