/* A one-off's network. It looks like an instance's, with the same eth0, address and routes, but
 * behind it is nobody: the other end of the pair is in the same namespace, so there is no path to
 * the host that a rule would have to guard, nothing for the host to see, and nothing to remove.
 * The rules are there to refuse at once, as a router does (they say EPERM where a router says
 * ECONNREFUSED, to datagrams only); the command has no capability to change them. */
#include "network/network.h"

#include "base/cleanup.h"
#include "egress.h"
#include "kernel/nflog.h"
#include "kernel/nftables.h"
#include "link.h"
#include "network/address.h"
#include "refused.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { LINK_LOOPBACK = 1, LINK_GATEWAY = LINK_ETH0 + 1 };

static void add_pair(struct netlink_batch *batch)
{
	struct netlink_end near = { .name = "eth0", .index = LINK_ETH0, .namespace_fd = -1 };
	struct netlink_end far = { .name = "gateway", .index = LINK_GATEWAY, .namespace_fd = -1 };

	memcpy(near.mac, link_mac, sizeof near.mac);
	memcpy(far.mac, link_gateway_mac, sizeof far.mac);
	netlink_add_veth(batch, &near, &far);
	netlink_set_up(batch, far.index, NETLINK_PLAIN, false);
}

static int load(int tables, bool logged, struct error *err)
{
	static const struct nftables_chain chain = { "output", "filter", NF_INET_LOCAL_OUT,
		NF_IP_PRI_FILTER, false };
	/* What a gate's rule has taken, or the way out, is accepted: it looks as if it still went
	 * by eth0. */
	const struct netlink_address gates = address_gate(AF_INET, 0);
	const struct netlink_address gates6 = address_gate(AF_INET6, 0);
	const struct nftables_rule rules[] = {
		{ .chain = "output",
			.destination = gates,
			.destination_prefix = ADDRESS_GATES_PREFIX,
			.action = NFTABLES_ACCEPT },
		{ .chain = "output",
			.destination = gates6,
			.destination_prefix = ADDRESS_GATES6_PREFIX,
			.action = NFTABLES_ACCEPT },
		{ .chain = "output", .packet_marked = EGRESS_MARK, .action = NFTABLES_ACCEPT },
		{ .chain = "output",
			.out = -LINK_LOOPBACK,
			.action = NFTABLES_LOG,
			.group = REFUSED_GROUP },
		{ .chain = "output", .out = -LINK_LOOPBACK, .action = NFTABLES_RESET },
		{ .chain = "output", .out = -LINK_LOOPBACK, .action = NFTABLES_REJECT },
	};
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };

	nftables_begin(&batch, "egress");
	nftables_add_table(&batch, false);
	nftables_add_chain(&batch, &chain);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (logged || rules[i].action != NFTABLES_LOG)
			nftables_add_rule(&batch, &rules[i]);
	return nftables_send(tables, &batch, err);
}

/* The socket that brought the rules stays, to keep what they refuse until the command has ended:
 * that is read by nobody before, and once the socket is full it is lost, so no limit is needed. */
static int refuse_everything(int namespace_fd, int *ret_refused, struct error *err)
{
	CLEANUP_CLOSE int tables = nftables_open(namespace_fd, err);
	struct error ignored;

	if (tables < 0)
		return -1;
	if (nflog_bind(tables, REFUSED_GROUP, &ignored) == 0 && load(tables, true, &ignored) == 0) {
		*ret_refused = steal_fd(&tables);
		return 0;
	}
	*ret_refused = -1;
	return load(tables, false, err);
}

int network_join_alone(int namespace_fd, int *ret_refused, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	CLEANUP_CLOSE int route = netlink_open(namespace_fd, err);

	if (route < 0)
		return error_wrap(err, "network");
	add_pair(&batch);
	link_add_inside(&batch, 0, link_has_ipv6(namespace_fd), true);
	if (netlink_send(route, &batch, err) < 0 ||
		refuse_everything(namespace_fd, ret_refused, err) < 0)
		return error_wrap(err, "network");
	return 0;
}
