/* Which address is whose. Inside a router everything has the same address on every machine:
 *
 *	198.18.0.1       fd69:736f:7275:6e00::1   the gateway: the router, as instances see it
 *	198.18.0.2+slot  fd69:736f:7275:6e00::2+  an instance
 *	198.18.128.1+    fd69:736f:7275:6e00::1:1+  a gate to a service, on lo of each instance
 *	198.18.255.1     fd69:736f:7275:6e00::1:ffff  where what goes elsewhere is led (egress.h)
 *	198.18.255.53                               the name server, which is elsewhere
 *
 * Only the link between router and host lies where the host can see it, in a /30 that no route of
 * the host covers, and fd69:736f:7275:6e01::/96 with the /30's addresses in its last 32 bits.
 * 198.18.0.0/15 is set aside for test networks (RFC 2544): no client comes from there. */
#ifndef NETWORK_ADDRESS_H
#define NETWORK_ADDRESS_H

#include "base/error.h"
#include "kernel/netlink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = 56 }; /* room for "[ADDRESS]:PORT" */

enum { ADDRESS_GATES_PREFIX = 17, ADDRESS_GATES6_PREFIX = 112 }; /* of the range of all gates */

/* The link between the host and one router: host and router end, IPv4 and IPv6. */
struct address_uplink {
	char name[16]; /* of the host's interface: it says the /30, so two can never share one */
	struct netlink_address host, router, host6, router6;
};

/* IPv4 addresses in host byte order; a multiple of four. */
struct address_range {
	uint32_t first;
	uint32_t count;
};

struct netlink_address address_gateway(int family);
struct netlink_address address_instance(int family, unsigned slot);
struct netlink_address address_gate(int family, unsigned index);
struct netlink_address address_way_out(int family);
struct netlink_address address_resolver(void);

/* The link in the /30 that starts at network (host byte order). */
void address_uplink(uint32_t network, struct address_uplink *ret);

/* "10.20.0.0/16", prefix 8 to 30; NULL is the default, 198.19.0.0/16. ERROR_CONFIG. */
int address_range_parse(const char *text, struct address_range *ret, struct error *err);

/* What a port is published on: "127.0.0.1", "[::1]", "0.0.0.0", "[::]", or "*", which is the last
 * two. Returns how many (1 or 2) or -1, ERROR_CONFIG. */
int address_published_parse(const char *text, struct netlink_address ret[2], struct error *err);

/* An IPv4 or IPv6 address as numbers, without brackets. */
bool address_parse(const char *text, struct netlink_address *ret);

/* What no name of another machine should resolve to: "this host itself", "a link-local address" or
 * "a multicast address"; NULL: nothing odd about it. */
const char *address_is_odd(const struct netlink_address *address);

bool address_is_any(const struct netlink_address *address);
bool address_is_loopback(const struct netlink_address *address);

/* The socket address of a port there; returns its size. */
socklen_t address_fill(
	const struct netlink_address *address, uint16_t port, struct sockaddr_storage *ret);

/* "127.0.0.1", "[::1]". */
void address_print_host(const struct netlink_address *address, char text[ADDRESS_TEXT]);

/* "127.0.0.1:5000", "[::1]:5000". */
void address_print(const struct netlink_address *address, uint16_t port, char text[ADDRESS_TEXT]);

#endif
