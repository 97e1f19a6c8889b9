/* Private to network: a veth from a namespace of ours to the host, in a /30 of its own. */
#ifndef NETWORK_UPLINK_H
#define NETWORK_UPLINK_H

#include "network/address.h"

#include <stdbool.h>

enum { UPLINK_LINK = 10 }; /* interface index of the end in our namespace */

struct uplink {
	struct address_uplink at;
	int host_link; /* interface index of the host's end */
	bool ipv6;     /* both ends have it */
};

/* What an uplink is made from. */
struct uplink_plan {
	int host;       /* the host's namespace */
	int host_route; /* rtnetlink socket in it */
	int route;      /* … and in ours */
	bool ipv6;      /* ours has it */
	bool routes;    /* it forwards packets, also for the host's 127.0.0.0/8 */
	struct address_range range;
};

int uplink_make(const struct uplink_plan *plan, struct uplink *ret, struct error *err);

#endif
