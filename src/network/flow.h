/* Private to network: connections moved by the forwarder. */
#ifndef NETWORK_FLOW_H
#define NETWORK_FLOW_H

#include "base/loop.h"
#include "network/network.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { FLOW_PIPES = 64 };

/* Where the connections of one published port go. */
struct flow_target {
	uint16_t inside;
	uint16_t slot_count;
	uint16_t slots[NETWORK_SLOTS];
	unsigned turn;
};

/* All connections, and the pipes that none of them holds. */
struct flow_table {
	struct loop *loop;
	unsigned count, max;
	bool ipv6;
	int pipes[FLOW_PIPES][2];
	unsigned pipe_count;
	void (*on_free)(void *context); /* a connection ended */
	void *context;
};

/* Takes over the accepted connection client, which came from from, and connects it to an instance
 * of target: as the client itself where it is a remote one, else as the gateway. */
void flow_begin(struct flow_table *table, int client, const struct sockaddr_storage *from,
	struct flow_target *target);

#endif
