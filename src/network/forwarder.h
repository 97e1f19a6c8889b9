/* Private to network: the process that serves what the kernel cannot publish. */
#ifndef NETWORK_FORWARDER_H
#define NETWORK_FORWARDER_H

#include "helper.h"
#include "reserve.h"
#include "router.h"

/* Starts the process where there is something for it, which serves the reserves that are to be
 * forwarded; it dies with this one. */
int forwarder_start(const struct reserve *reserves, size_t count, const struct router *router,
	struct helper *ret, struct error *err);

/* Says where new connections of a port go; to HELPER_NONE it is not said. */
int forwarder_publish(const struct helper *forwarder, size_t port, uint16_t inside,
	const unsigned *slots, size_t slot_count, struct error *err);

#endif
