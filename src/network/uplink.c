/* The link between the host and a router (or, for a moment, the probe): a pair with its own /30
 * that no route of the host covers. Two isoruns that look at the same time cannot end in the same
 * one: the /30 is the name of the host's interface, and the second to create it gets EEXIST. Both
 * ends know each other's hardware address, so there is neither ARP nor neighbour discovery. */
#include "uplink.h"

#include "base/cleanup.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 256, PREFIX4 = 30, PREFIX6 = 126 };

static const uint8_t host_mac[6] = { 0x02, 'i', 's', 'o', 0, 1 };
static const uint8_t our_mac[6] = { 0x02, 'i', 's', 'o', 0, 2 };

static void add_end(struct netlink_batch *batch, int link, const struct netlink_address *own,
	const struct netlink_address *other, const uint8_t other_mac[6])
{
	netlink_add_address(batch, link, own, own->family == AF_INET6 ? PREFIX6 : PREFIX4);
	netlink_add_neighbour(batch, link, other, other_mac);
}

static void add_way_out(struct netlink_batch *batch, const struct netlink_address *host)
{
	const struct netlink_route everything = {
		.to.family = host->family,
		.gateway = *host,
		.link = UPLINK_LINK,
	};

	netlink_add_route(batch, &everything);
}

/* Our end: everything that is not within lies behind the host. */
static int set_up_ours(
	const struct uplink_plan *plan, const struct uplink *uplink, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	const struct address_uplink *at = &uplink->at;

	netlink_set_up(
		&batch, UPLINK_LINK, plan->routes ? NETLINK_FORWARD : NETLINK_PLAIN, uplink->ipv6);
	add_end(&batch, UPLINK_LINK, &at->router, &at->host, host_mac);
	add_way_out(&batch, &at->host);
	if (uplink->ipv6) {
		add_end(&batch, UPLINK_LINK, &at->router6, &at->host6, host_mac);
		add_way_out(&batch, &at->host6);
	}
	return netlink_send(plan->route, &batch, err);
}

/* The host's end. Clients on the host's loopback come from 127.0.0.1, which leaves the host by no
 * interface but one that was told so: this one, which is ours. */
static int set_up_host(const struct uplink_plan *plan, struct uplink *uplink, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	const struct address_uplink *at = &uplink->at;
	struct error ignored;

	netlink_set_up(&batch, uplink->host_link, plan->routes ? NETLINK_LOCALNET : NETLINK_PLAIN,
		plan->ipv6);
	add_end(&batch, uplink->host_link, &at->host, &at->router, our_mac);
	if (netlink_send(plan->host_route, &batch, err) < 0)
		return -1;
	if (!plan->ipv6)
		return 0;
	add_end(&batch, uplink->host_link, &at->host6, &at->router6, our_mac);
	uplink->ipv6 = netlink_send(plan->host_route, &batch, &ignored) == 0; /* or it is off */
	return 0;
}

static int settle(const struct uplink_plan *plan, const struct uplink *uplink, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };

	netlink_settle(&batch, uplink->host_link);
	return netlink_send(plan->host_route, &batch, err);
}

static int make_pair(const struct uplink_plan *plan, const char *name, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	struct netlink_end ours = { .name = "uplink", .index = UPLINK_LINK, .namespace_fd = -1 };
	struct netlink_end theirs = { .name = name, .namespace_fd = plan->host };

	memcpy(ours.mac, our_mac, sizeof ours.mac);
	memcpy(theirs.mac, host_mac, sizeof theirs.mac);
	netlink_add_veth(&batch, &ours, &theirs);
	return netlink_send(plan->route, &batch, err);
}

static int is_free(int host_route, const struct address_uplink *at, bool *ret, struct error *err)
{
	enum netlink_way host, router;

	if (netlink_look_up(host_route, &at->host, &host, err) < 0 ||
		netlink_look_up(host_route, &at->router, &router, err) < 0)
		return -1;
	*ret = host <= NETLINK_DEFAULT && router <= NETLINK_DEFAULT;
	return 0;
}

static int find_network(
	const struct uplink_plan *plan, struct address_uplink *ret, struct error *err)
{
	const uint32_t networks = plan->range.count / 4;
	uint32_t at = (uint32_t)getpid(); /* only to start somewhere */

	for (unsigned i = 0; i < TRIES && i < networks; i++, at++) {
		bool is_usable;

		address_uplink(plan->range.first + at % networks * 4, ret);
		if (is_free(plan->host_route, ret, &is_usable, err) < 0)
			return -1;
		if (!is_usable)
			continue;
		if (make_pair(plan, ret->name, err) == 0)
			return 0;
		if (err->errnum != EEXIST)
			return -1;
	}
	error_set(err, ERROR_FAILED, "no free /30 for the link between host and router");
	return error_hint(err, "ISORUN_NETWORK=10.20.0.0/16 says where to look for one");
}

int uplink_make(const struct uplink_plan *plan, struct uplink *ret, struct error *err)
{
	if (find_network(plan, &ret->at, err) < 0)
		return -1;
	ret->host_link = (int)if_nametoindex(ret->at.name);
	if (!ret->host_link)
		return error_errno(err, "interface %s", ret->at.name);
	if (set_up_host(plan, ret, err) < 0)
		return -1;
	return set_up_ours(plan, ret, err) < 0 ? -1 : settle(plan, ret, err);
}
