/* The router's rules. One table, of which the whole policy can be read here:
 *
 *	restore   answers to what the router began are marked as local
 *	incoming  published ports go to port-N, which sends them to the instances in turn
 *	input     nobody connects to the router
 *	forward   published connections and answers pass; what an instance begins is refused
 *	remember  what the router begins is remembered as such; none of it goes to the host
 *	outgoing  clients of the host's own loopback appear as the gateway
 *	refuse    what comes here from an instance is logged (refused.c) and refused
 *
 * Refused means reset or told, not dropped: an app that is not allowed out learns it at once. */
#include "router.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "kernel/nflog.h"
#include "kernel/nftables.h"
#include "network/network.h"
#include "refused.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <stdlib.h>

enum { PORT_NAME = 32 };

static void name_port(size_t port, char name[PORT_NAME])
{
	(void)snprintf(name, PORT_NAME, "port-%zu", port);
}

static void add_chains(struct nftables_batch *batch)
{
	static const struct nftables_chain chains[] = {
		{ "restore", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE, false },
		{ "incoming", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST, false },
		{ "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER, true },
		{ "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER, true },
		{ "remember", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE, false },
		{ "outgoing", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, false },
		{ .name = "refuse" },
	};

	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
		nftables_add_chain(batch, &chains[i]);
}

static void add_policy(struct nftables_batch *batch)
{
	static const uint32_t going = NFTABLES_ESTABLISHED | NFTABLES_RELATED;
	static const struct nftables_rule rules[] = {
		{ .chain = "restore",
			.marked = ROUTER_MARK,
			.action = NFTABLES_MARK_FROM_CONNECTION },
		{ .chain = "input", .state = going, .action = NFTABLES_ACCEPT },
		{ .chain = "input",
			.in = -UPLINK_LINK,
			.action = NFTABLES_JUMP,
			.target = "refuse" },
		{ .chain = "forward", .state = going, .action = NFTABLES_ACCEPT },
		{ .chain = "forward",
			.in = UPLINK_LINK,
			.dnatted = true,
			.action = NFTABLES_ACCEPT },
		{ .chain = "forward",
			.in = -UPLINK_LINK,
			.action = NFTABLES_JUMP,
			.target = "refuse" },
		{ .chain = "remember",
			.out = UPLINK_LINK,
			.state = NFTABLES_NEW,
			.action = NFTABLES_DROP },
		{ .chain = "remember",
			.state = NFTABLES_NEW,
			.mark = ROUTER_MARK,
			.action = NFTABLES_MARK_CONNECTION },
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		nftables_add_rule(batch, &rules[i]);
}

static void add_refusal(struct nftables_batch *batch, bool logged)
{
	static const struct nftables_rule log = {
		.chain = "refuse",
		.action = NFTABLES_LOG,
		.group = REFUSED_GROUP,
		.target = "instances",
	};
	static const struct nftables_rule rules[] = {
		{ .chain = "refuse", .action = NFTABLES_RESET },
		{ .chain = "refuse", .action = NFTABLES_REJECT },
	};

	if (logged) {
		nftables_add_meter(batch, log.target, 2 * NETWORK_SLOTS);
		nftables_add_rule(batch, &log);
	}
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		nftables_add_rule(batch, &rules[i]);
}

static void add_port(struct nftables_batch *batch, const struct router *router, size_t port)
{
	char name[PORT_NAME];
	const struct nftables_chain chain = { .name = name };
	struct nftables_rule rule = {
		.chain = "incoming",
		.in = UPLINK_LINK,
		.destination = router->uplink.at.router,
		.tcp_port = (uint16_t)(ROUTER_PORT + port),
		.action = NFTABLES_JUMP,
		.target = name,
	};

	name_port(port, name);
	nftables_add_chain(batch, &chain);
	nftables_add_rule(batch, &rule);
	if (!router->ipv6)
		return;
	rule.destination = router->uplink.at.router6;
	nftables_add_rule(batch, &rule);
}

static void add_loopback_clients(struct nftables_batch *batch, const struct router *router)
{
	const struct netlink_address gateway = address_gateway(AF_INET);
	const struct nftables_rule rule = {
		.chain = "outgoing",
		.source = router->uplink.at.host,
		.action = NFTABLES_SNAT,
		.to = &gateway,
		.to_count = 1,
	};

	nftables_add_rule(batch, &rule);
}

static int load(const struct router *router, size_t port_count, bool logged, struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };

	nftables_begin(&batch, "router");
	nftables_add_table(&batch, false);
	add_chains(&batch);
	add_policy(&batch);
	add_refusal(&batch, logged);
	if (router->uplink.host_link)
		add_loopback_clients(&batch, router);
	for (size_t i = 0; router->uplink.host_link && i < port_count; i++)
		add_port(&batch, router, i);
	return nftables_send(router->tables, &batch, err);
}

/* The log is worth a try: a kernel that lacks a part of it refuses all the same. */
int router_load_rules(struct router *router, size_t port_count, struct error *err)
{
	struct error ignored;

	router->tables = nftables_open(router->namespace_fd, err);
	if (router->tables < 0)
		return -1;
	router->refused = nftables_open(router->namespace_fd, &ignored);
	if (router->refused >= 0 && nflog_bind(router->refused, REFUSED_GROUP, &ignored) == 0 &&
		load(router, port_count, true, &ignored) == 0)
		return 0;
	cleanup_close(&router->refused);
	router->refused = -1;
	return load(router, port_count, false, err);
}

static void add_targets(struct nftables_batch *batch, int family, struct nftables_rule *rule,
	const unsigned *slots, size_t slot_count)
{
	struct netlink_address *to;

	if (!slot_count)
		return;
	to = memory_new(slot_count, sizeof *to);
	for (size_t i = 0; i < slot_count; i++)
		to[i] = address_instance(family, slots[i]);
	rule->family = family;
	rule->to = to;
	rule->to_count = slot_count;
	nftables_add_rule(batch, rule);
	free(to);
}

int router_balance(
	struct router *router, size_t port, const struct router_targets *targets, struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	char name[PORT_NAME];
	struct nftables_rule rule = {
		.chain = name,
		.action = NFTABLES_DNAT,
		.to_port = targets->port,
	};

	name_port(port, name);
	nftables_begin(&batch, "router");
	nftables_flush_chain(&batch, name);
	add_targets(&batch, AF_INET, &rule, targets->slots, targets->slot_count);
	if (router->ipv6)
		add_targets(&batch, AF_INET6, &rule, targets->slots6, targets->slot6_count);
	return nftables_send(router->tables, &batch, err);
}
