/* Private to network: all of one network. */
#ifndef NETWORK_STATE_H
#define NETWORK_STATE_H

#include "forwarder.h"
#include "host.h"
#include "network/network.h"
#include "reserve.h"
#include "router.h"

struct network {
	bool own;
	struct address_range range;
	struct network_port *ports; /* without their addresses: those are in reserves */
	size_t port_count;
	enum host_open *open; /* per port */
	/* Per slot: whether its app listens on IPv6 is found out once, when it is published. */
	bool is_known[NETWORK_SLOTS], has_ipv6[NETWORK_SLOTS];
	int links[NETWORK_SLOTS]; /* interface indexes in the router; 0: not joined */
	struct reserve *reserves;
	size_t reserve_count;
	struct router router;
	struct host host;
	struct helper forwarder;
	network_on_notice *notice;
	void *context;
};

#endif
