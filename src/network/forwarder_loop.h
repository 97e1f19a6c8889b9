/* Private to network: what the forwarder's process does once it is confined. */
#ifndef NETWORK_FORWARDER_LOOP_H
#define NETWORK_FORWARDER_LOOP_H

#include "reserve.h"

struct forwarder_message {
	uint16_t port; /* index */
	uint16_t inside;
	uint16_t slot_count;
	uint16_t slots[NETWORK_SLOTS];
};

/* Serves until control ends. reserves: those to be forwarded. */
int forwarder_run(
	const struct reserve *reserves, size_t count, int control, bool ipv6, struct error *err);

#endif
