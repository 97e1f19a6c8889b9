/* An instance's place in the network: eth0 in its namespace, and the other end in the router. The
 * pair is created from the router straight into the instance's namespace, so that no interface
 * ever appears in the host's; it dies with either namespace.
 *
 * The instance's address is a host route on both sides, and the gateway's hardware address is
 * known: whatever it sends goes to the router, even to an address that looks near. */
#include "link.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "router.h"
#include "state.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const uint8_t link_mac[6] = { 0x02, 'i', 's', 'o', 1, 2 };
const uint8_t link_gateway_mac[6] = { 0x02, 'i', 's', 'o', 1, 1 };

enum { LOOPBACK = 1 };

static unsigned full(int family)
{
	return family == AF_INET6 ? 128 : 32;
}

static void add_family(struct netlink_batch *batch, int family, unsigned slot, bool is_near)
{
	const struct netlink_address address = address_instance(family, slot);
	const struct netlink_route route = {
		.to.family = family,
		.gateway = address_gateway(family),
		.link = LINK_ETH0,
		.is_near = is_near,
	};

	netlink_add_address(batch, LINK_ETH0, &address, full(family));
	netlink_add_neighbour(batch, LINK_ETH0, &route.gateway, link_gateway_mac);
	netlink_add_route(batch, &route);
}

void link_add_inside(struct netlink_batch *batch, unsigned slot, bool ipv6, bool is_near)
{
	netlink_set_up(batch, LOOPBACK, NETLINK_PLAIN, false);
	netlink_set_up(batch, LINK_ETH0, NETLINK_PLAIN, ipv6);
	add_family(batch, AF_INET, slot, is_near);
	if (ipv6)
		add_family(batch, AF_INET6, slot, is_near);
}

bool link_has_ipv6(int namespace_fd)
{
	struct error ignored;
	CLEANUP_CLOSE int fd = namespace_socket(namespace_fd, AF_INET6, SOCK_DGRAM, 0, &ignored);

	return fd >= 0;
}

static void add_behind(struct netlink_batch *batch, int family, int link, unsigned slot)
{
	const struct netlink_route route = {
		.to = address_instance(family, slot),
		.prefix = full(family),
		.source = address_gateway(family),
		.link = link,
		.is_near = true,
	};

	netlink_add_neighbour(batch, link, &route.to, link_mac);
	netlink_add_route(batch, &route);
}

/* The router's end is named after the number of the link, not of the slot: an earlier one of the
 * slot may still be dying. */
static int make_pair(struct router *router, unsigned slot, int namespace_fd, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	struct netlink_end near = { .index = router->last_link + 1, .namespace_fd = -1 };
	struct netlink_end far = {
		.name = "eth0", .index = LINK_ETH0, .namespace_fd = namespace_fd
	};
	char name[16];

	(void)snprintf(name, sizeof name, "i%d", near.index);
	near.name = name;
	memcpy(near.mac, link_gateway_mac, sizeof near.mac);
	memcpy(far.mac, link_mac, sizeof far.mac);
	router->last_link = near.index;
	netlink_add_veth(&batch, &near, &far);
	netlink_set_up(&batch, near.index, NETLINK_FORWARD, router->ipv6);
	add_behind(&batch, AF_INET, near.index, slot);
	if (router->ipv6)
		add_behind(&batch, AF_INET6, near.index, slot);
	return netlink_send(router->route, &batch, err);
}

int network_join(struct network *network, unsigned slot, int namespace_fd, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	CLEANUP_CLOSE int route = -1;

	if (slot >= NETWORK_SLOTS)
		return error_set(
			err, ERROR_FAILED, "network: no more than %d instances", NETWORK_SLOTS);
	route = netlink_open(namespace_fd, err);
	if (route < 0 || make_pair(&network->router, slot, namespace_fd, err) < 0)
		return error_wrap(err, "network");
	link_add_inside(&batch, slot, network->router.ipv6, network->own);
	if (netlink_send(route, &batch, err) < 0)
		return error_wrap(err, "network");
	netlink_settle(&batch, network->router.last_link);
	if (netlink_send(network->router.route, &batch, err) < 0)
		return error_wrap(err, "network");
	network->links[slot] = network->router.last_link;
	return 0;
}

void network_leave(struct network *network, unsigned slot)
{
	/* The link dies with the instance's namespace, and its next user takes the route over. */
	if (slot >= NETWORK_SLOTS)
		return;
	network->is_known[slot] = false;
	network->links[slot] = 0;
}
