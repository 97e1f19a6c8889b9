/* Private to network: all of one network. */
#ifndef NETWORK_STATE_H
#define NETWORK_STATE_H

#include "forwarder.h"
#include "host.h"
#include "network/network.h"
#include "reserve.h"
#include "router.h"

struct network {
	struct network_port *ports; /* without their addresses: those are in reserves */
	size_t port_count;
	bool *is_open; /* per port: some instance is ready */
	struct reserve *reserves;
	size_t reserve_count;
	struct router router;
	struct host host;
	struct forwarder forwarder;
	network_on_notice *notice;
	void *context;
};

#endif
