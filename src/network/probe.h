/* Private to network: whether this host forwards. */
#ifndef NETWORK_PROBE_H
#define NETWORK_PROBE_H

#include "host.h"

/* Finds out, by trying, whether a client that is not on this host would reach the router over IPv4
 * and over IPv6. The router must have no rules yet, the host's table must be there. Where it does
 * not, it takes some 40 ms to be sure, and a second where it does not answer at all. */
int probe_forwarding(struct host *host, const struct router *router, const struct uplink_plan *plan,
	bool *ret_v4, bool *ret_v6, struct error *err);

#endif
