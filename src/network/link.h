/* Private to network: an instance's end, the same behind a router and alone. */
#ifndef NETWORK_LINK_H
#define NETWORK_LINK_H

#include "kernel/netlink.h"

#include <stdbool.h>

enum { LINK_ETH0 = 100 }; /* interface index: high, because a fresh namespace may have tunnels */

/* Hardware addresses of eth0 and of the gateway behind it. */
extern const uint8_t link_mac[6], link_gateway_mac[6];

/* Appends what sets up lo and eth0 within the instance's namespace. is_near: whoever it talks to
 * over eth0 is a process on this machine, as where nothing is forwarded. */
void link_add_inside(struct netlink_batch *batch, unsigned slot, bool ipv6, bool is_near);

/* Whether a namespace made by this kernel, as it was started, has IPv6. */
bool link_has_ipv6(int namespace_fd);

#endif
