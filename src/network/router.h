/* Private to network: the router namespace. */
#ifndef NETWORK_ROUTER_H
#define NETWORK_ROUTER_H

#include "uplink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ROUTER_PORT = 20000, /* + index: where the router expects what is published */
	ROUTER_MARK = 1,     /* of connections that the router itself began */
};

struct router {
	int namespace_fd;
	int route;   /* rtnetlink socket in it */
	int tables;  /* nf_tables socket in it */
	int refused; /* nflog socket in it; -1: this kernel has none */
	bool ipv6;
	int last_link; /* interface indexes are used once: an old link may still be dying */
	struct uplink uplink;
};

#define ROUTER_NONE \
	((struct router){ .namespace_fd = -1, .route = -1, .tables = -1, .refused = -1 })

/* Makes the namespace and its link to the host; plan's own route and ipv6 are filled in. *ret must
 * be ROUTER_NONE; after a failure, router_done. */
int router_make(struct uplink_plan *plan, struct router *ret, struct error *err);

/* Makes the network namespace that this process is in the router, without a link to the host. */
int router_take(struct router *ret, struct error *err);

/* Loads the rules: nothing passes but answers and what is published, on port_count ports, which a
 * router without a link to the host does not need. What is refused is logged, where the kernel can.
 */
int router_load_rules(struct router *router, size_t port_count, struct error *err);

/* The instances that take new connections: all of them over IPv4, some over IPv6. */
struct router_targets {
	uint16_t port; /* the instances' own */
	const unsigned *slots, *slots6;
	size_t slot_count, slot6_count;
};

/* Sends new connections of a published port (its index) to the targets in turn. */
int router_balance(struct router *router, size_t port, const struct router_targets *targets,
	struct error *err);

/* Closing the descriptors ends the namespace and with it every link that has an end there. */
void router_done(struct router *router);

#endif
