/* The router: a network namespace without processes, held by its descriptor. One veth leads
 * to the host (uplink.c), one to each instance (link.c). It has no bridge: every instance is a host
 * route of its own, so instances share no broadcast domain, a refused connection to a neighbour is
 * refused at once instead of timing out in ARP, and a packet crosses one device less. All hardware
 * addresses are known beforehand, so there is neither ARP nor neighbour discovery. */
#include "router.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/namespace.h"

#include <fcntl.h>
#include <sys/socket.h>

enum {
	LOOPBACK = 1, /* interface index of lo, in every namespace */
	FIRST_LINK = 100,
	TRANSPARENT = 100, /* table: everything is local */
	FULL4 = 32,
	FULL6 = 128,
};

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

/* A router that has no way out takes everything for its own: so it arrives where the rules refuse
 * it, as elsewhere, and is not called unreachable. */
static void add_dead_end(struct netlink_batch *batch, int family)
{
	const struct netlink_route everything = {
		.to.family = family, .link = LOOPBACK, .local = true
	};

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

int router_make(struct uplink_plan *plan, struct router *ret, struct error *err)
{
	ret->last_link = FIRST_LINK;
	ret->namespace_fd = namespace_new(err);
	if (ret->namespace_fd < 0)
		return -1;
	ret->route = netlink_open(ret->namespace_fd, err);
	if (ret->route < 0 || set_up_inside(ret, err) < 0)
		return -1;
	plan->route = ret->route;
	plan->ipv6 = ret->ipv6;
	plan->routes = true;
	return uplink_make(plan, &ret->uplink, err);
}

int router_take(struct router *ret, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };

	ret->last_link = FIRST_LINK;
	ret->namespace_fd = namespace_open(err);
	if (ret->namespace_fd < 0)
		return -1;
	ret->route = netlink_open(-1, err);
	if (ret->route < 0 || set_up_inside(ret, err) < 0)
		return -1;
	add_dead_end(&batch, AF_INET);
	if (ret->ipv6)
		add_dead_end(&batch, AF_INET6);
	return netlink_send(ret->route, &batch, err);
}

void router_done(struct router *router)
{
	cleanup_close(&router->refused);
	cleanup_close(&router->tables);
	cleanup_close(&router->route);
	cleanup_close(&router->namespace_fd);
	*router = ROUTER_NONE;
}
