/* Whether this host passes packets on to a router of ours, for those who ask before there is a
 * network: network_start finds it out for itself. */
#ifndef NETWORK_FORWARDS_H
#define NETWORK_FORWARDS_H

#include "kernel/trial.h"

/* Builds a router with its link to the host, and plays a client. For root, in a child
 * (kernel/trial.h); link, table and namespaces go with it. context: ISORUN_NETWORK, or NULL. */
trial_act forwards_try;

#endif
