/* The router: a network namespace without processes, held by its descriptor. A veth leads to the
 * host, one to each instance (link.c). It has no bridge: every instance is a host route of its own,
 * so instances share no broadcast domain, a refused connection to a neighbour is refused at once
 * instead of timing out in ARP, and a packet crosses one device less. All hardware addresses are
 * known beforehand, so there is neither ARP nor neighbour discovery. */
#include "router.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOOPBACK = 1, /* interface index of lo, in every namespace */
	FIRST_LINK = 100,
	TRANSPARENT = 100, /* table: everything is local */
	TRIES = 256,       /* of /30s */
	FULL4 = 32,
	FULL6 = 128,
	HOST4 = 30,
	HOST6 = 126,
};

static const uint8_t host_mac[6] = { 0x02, 'i', 's', 'o', 0, 1 };
static const uint8_t router_mac[6] = { 0x02, 'i', 's', 'o', 0, 2 };

static int write_setting(const char *path, struct error *err)
{
	return file_set_at(AT_FDCWD, path, "1", err);
}

/* /proc/sys/net is that of the reading process's namespace. IPv4 needs none of it: links have
 * their own switch, which is set by netlink. Where IPv6 is off or /proc/sys cannot be written, the
 * router does without. */
static bool enable_ipv6(int namespace_fd)
{
	struct error err;
	int back = namespace_enter(namespace_fd, &err);
	bool done;

	if (back < 0)
		return false;
	done = write_setting("/proc/sys/net/ipv6/conf/all/forwarding", &err) == 0;
	namespace_leave(back);
	return done;
}

/* What the router itself began with somebody else's address as its own comes back to it: the rules
 * mark the answers, and marked packets are local whatever they are addressed to. */
static void add_transparent(struct netlink_batch *batch, int family)
{
	const struct netlink_route everything = {
		.to.family = family,
		.link = LOOPBACK,
		.table = TRANSPARENT,
		.local = true,
	};

	netlink_add_rule(batch, family, ROUTER_MARK, TRANSPARENT);
	netlink_add_route(batch, &everything);
}

static int set_up_inside(struct router *router, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	struct netlink_address gateway = address_gateway(AF_INET);
	struct error ignored;

	netlink_set_up(&batch, LOOPBACK, NETLINK_PLAIN, false);
	netlink_add_address(&batch, LOOPBACK, &gateway, FULL4);
	add_transparent(&batch, AF_INET);
	if (netlink_send(router->route, &batch, err) < 0)
		return -1;
	if (!enable_ipv6(router->namespace_fd))
		return 0;
	gateway = address_gateway(AF_INET6);
	netlink_add_address(&batch, LOOPBACK, &gateway, FULL6);
	add_transparent(&batch, AF_INET6);
	router->ipv6 = netlink_send(router->route, &batch, &ignored) == 0;
	return 0;
}

/* The router's end: everything that is not an instance lies behind the host. */
static int set_up_uplink(struct router *router, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	const struct address_uplink *uplink = &router->uplink;
	struct netlink_route behind = { .link = ROUTER_UPLINK };

	netlink_set_up(&batch, ROUTER_UPLINK, NETLINK_FORWARD, router->ipv6);
	netlink_add_address(&batch, ROUTER_UPLINK, &uplink->router, HOST4);
	netlink_add_neighbour(&batch, ROUTER_UPLINK, &uplink->host, host_mac);
	behind.to.family = AF_INET;
	behind.gateway = uplink->host;
	netlink_add_route(&batch, &behind);
	if (router->ipv6) {
		netlink_add_address(&batch, ROUTER_UPLINK, &uplink->router6, HOST6);
		netlink_add_neighbour(&batch, ROUTER_UPLINK, &uplink->host6, host_mac);
		behind.to.family = AF_INET6;
		behind.gateway = uplink->host6;
		netlink_add_route(&batch, &behind);
	}
	return netlink_send(router->route, &batch, err);
}

/* The host's end. Clients on the host's loopback come from 127.0.0.1, which leaves the host by no
 * interface but one that was told so: this one, which is ours. */
static int set_up_host(struct router *router, int host_route, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	const struct address_uplink *uplink = &router->uplink;
	struct error ignored;

	netlink_set_up(&batch, router->host_link, NETLINK_LOCALNET, router->ipv6);
	netlink_add_address(&batch, router->host_link, &uplink->host, HOST4);
	netlink_add_neighbour(&batch, router->host_link, &uplink->router, router_mac);
	if (netlink_send(host_route, &batch, err) < 0)
		return -1;
	if (!router->ipv6)
		return 0;
	netlink_add_address(&batch, router->host_link, &uplink->host6, HOST6);
	netlink_add_neighbour(&batch, router->host_link, &uplink->router6, router_mac);
	router->ipv6 = netlink_send(host_route, &batch, &ignored) == 0; /* the host has it off */
	return 0;
}

/* Creates the pair; the host's end has the /30 in its name, so that of two isoruns which chose the
 * same one, the second gets EEXIST. */
static int make_pair(struct router *router, int host, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	struct netlink_end near = { .name = "uplink", .index = ROUTER_UPLINK, .namespace_fd = -1 };
	struct netlink_end far = { .name = router->uplink.name, .namespace_fd = host };

	memcpy(near.mac, router_mac, sizeof near.mac);
	memcpy(far.mac, host_mac, sizeof far.mac);
	netlink_add_veth(&batch, &near, &far);
	return netlink_send(router->route, &batch, err);
}

static int is_free(
	int host_route, const struct address_uplink *uplink, bool *ret, struct error *err)
{
	bool host, router;

	if (netlink_is_routed(host_route, &uplink->host, &host, err) < 0 ||
		netlink_is_routed(host_route, &uplink->router, &router, err) < 0)
		return -1;
	*ret = !host && !router;
	return 0;
}

static int find_network(struct router *router, int host, int host_route,
	const struct address_range *range, struct error *err)
{
	uint32_t at = (uint32_t)getpid(); /* only to start somewhere */

	for (unsigned i = 0; i < TRIES && i < range->count / 4; i++, at++) {
		bool is_usable;

		address_uplink(range->first + at % (range->count / 4) * 4, &router->uplink);
		if (is_free(host_route, &router->uplink, &is_usable, err) < 0)
			return -1;
		if (!is_usable)
			continue;
		if (make_pair(router, host, err) == 0)
			return 0;
		if (err->errnum != EEXIST)
			return -1;
	}
	error_set(err, ERROR_FAILED, "no free /30 for the link between host and router");
	return error_hint(err, "ISORUN_NETWORK=10.20.0.0/16 says where to look for one");
}

static int find_index(const char *name, int *ret, struct error *err)
{
	*ret = (int)if_nametoindex(name);
	return *ret ? 0 : error_errno(err, "interface %s", name);
}

int router_make(int host, int host_route, const struct address_range *range, struct router *ret,
	struct error *err)
{
	ret->last_link = FIRST_LINK;
	ret->namespace_fd = namespace_new(err);
	if (ret->namespace_fd < 0)
		return -1;
	ret->route = netlink_open(ret->namespace_fd, err);
	if (ret->route < 0)
		return -1;
	if (set_up_inside(ret, err) < 0 || find_network(ret, host, host_route, range, err) < 0 ||
		find_index(ret->uplink.name, &ret->host_link, err) < 0 ||
		set_up_host(ret, host_route, err) < 0)
		return -1;
	return set_up_uplink(ret, err);
}

void router_done(struct router *router)
{
	cleanup_close(&router->tables);
	cleanup_close(&router->route);
	cleanup_close(&router->namespace_fd);
	*router = ROUTER_NONE;
}
