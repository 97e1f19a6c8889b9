/* The host's table. It is owned by a socket, so the kernel removes it when isorun ends, however it
 * ends; nothing of the host's own rules is read or changed.
 *
 *	guard       nobody but a published port leads to the router, and from it nobody reaches
 *	            127.0.0.0/8, which its link would route (CVE-2020-8558)
 *	approach    the same for this host's own programs, among them other isoruns' gates: the
 *	            router would take them for clients of a port that is published on loopback alone
 *	arriving    published ports, for clients that come from elsewhere
 *	leaving     published ports, for clients on this host
 *	masquerade  clients on 127.0.0.1 get an address that can be answered
 *
 * ::1 is not published here: the kernel routes it nowhere. The forwarder serves it. */
#include "host.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "kernel/nftables.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

int host_open(struct host *ret, struct error *err)
{
	ret->namespace_fd = namespace_open(err);
	if (ret->namespace_fd < 0)
		return -1;
	ret->route = netlink_open(-1, err);
	if (ret->route < 0)
		return -1;
	ret->tables = nftables_open(-1, err);
	return ret->tables < 0 ? -1 : 0;
}

static void add_chains(struct nftables_batch *batch)
{
	static const struct nftables_chain chains[] = {
		{ "guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW, false },
		{ "arriving", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST, false },
		{ "leaving", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST, false },
		{ "approach", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER, false },
		{ "masquerade", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, false },
	};

	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
		nftables_add_chain(batch, &chains[i]);
}

static const struct netlink_address loopback = { .family = AF_INET, .bytes = { 127 } };

static void add_guard(struct nftables_batch *batch, const struct router *router)
{
	struct nftables_rule rule = {
		.chain = "guard",
		.in = router->uplink.host_link,
		.destination = loopback,
		.destination_prefix = 8,
		.action = NFTABLES_DROP,
	};

	nftables_add_rule(batch, &rule);
	rule.in = -router->uplink.host_link;
	rule.destination = router->uplink.at.router;
	rule.destination_prefix = 0;
	nftables_add_rule(batch, &rule);
	rule.destination = router->uplink.at.router6;
	nftables_add_rule(batch, &rule);
}

/* What was led to the router has another address in mind; answers belong to what it began. */
static void add_approach(struct nftables_batch *batch, const struct netlink_address *router)
{
	const struct nftables_rule rules[] = {
		{ .chain = "approach",
			.destination = *router,
			.dnatted = true,
			.action = NFTABLES_ACCEPT },
		{ .chain = "approach",
			.destination = *router,
			.state = NFTABLES_NEW,
			.action = NFTABLES_REJECT },
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		nftables_add_rule(batch, &rules[i]);
}

int host_load_rules(struct host *host, const struct router *router, struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	const struct nftables_rule masquerade = {
		.chain = "masquerade",
		.out = router->uplink.host_link,
		.source = loopback,
		.source_prefix = 8,
		.action = NFTABLES_MASQUERADE,
	};

	(void)snprintf(host->table, sizeof host->table, "isorun-%s",
		router->uplink.at.name + strlen("iso-"));
	nftables_begin(&batch, host->table);
	nftables_add_table(&batch, true);
	add_chains(&batch);
	add_guard(&batch, router);
	add_approach(&batch, &router->uplink.at.router);
	add_approach(&batch, &router->uplink.at.router6);
	nftables_add_rule(&batch, &masquerade);
	return nftables_send(host->tables, &batch, err);
}

static void add_published(struct nftables_batch *batch, const char *chain,
	const struct router *router, const struct reserve *reserve)
{
	const bool is_v6 = reserve->address.family == AF_INET6;
	struct nftables_rule rule = {
		.chain = chain,
		.family = reserve->address.family,
		.tcp_port = reserve->number,
		.action = NFTABLES_DNAT,
		.to = is_v6 ? &router->uplink.at.router6 : &router->uplink.at.router,
		.to_count = 1,
		.to_port = (uint16_t)(ROUTER_PORT + reserve->port),
	};

	if (address_is_any(&reserve->address))
		rule.to_local = true;
	else
		rule.destination = reserve->address;
	nftables_add_rule(batch, &rule);
}

/* What the kernel routes nowhere: ::1, and addresses that mean something on one link only. */
static void add_exceptions(struct nftables_batch *batch)
{
	const struct nftables_rule rules[] = {
		{ .chain = "leaving",
			.destination = { .family = AF_INET6, .v6 = IN6ADDR_LOOPBACK_INIT },
			.action = NFTABLES_ACCEPT },
		{ .chain = "leaving",
			.destination = { .family = AF_INET6, .bytes = { 0xfe, 0x80 } },
			.destination_prefix = 10,
			.action = NFTABLES_ACCEPT },
		{ .chain = "arriving",
			.destination = { .family = AF_INET6, .bytes = { 0xfe, 0x80 } },
			.destination_prefix = 10,
			.action = NFTABLES_ACCEPT },
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		nftables_add_rule(batch, &rules[i]);
}

static bool is_published(
	const struct router *router, const struct reserve *reserve, enum host_open open)
{
	if (reserve->address.family == AF_INET)
		return open != HOST_CLOSED;
	return open == HOST_OPEN && router->uplink.ipv6 && !address_is_loopback(&reserve->address);
}

int host_publish(struct host *host, const struct router *router, const struct reserve *reserves,
	size_t reserve_count, const enum host_open *open, struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };

	nftables_begin(&batch, host->table);
	nftables_flush_chain(&batch, "arriving");
	nftables_flush_chain(&batch, "leaving");
	add_exceptions(&batch);
	for (size_t i = 0; i < reserve_count; i++) {
		const struct reserve *reserve = &reserves[i];

		if (!is_published(router, reserve, open[reserve->port]))
			continue;
		add_published(&batch, "leaving", router, reserve);
		if (reserve->remote)
			add_published(&batch, "arriving", router, reserve);
	}
	return nftables_send(host->tables, &batch, err);
}

int host_lead_probe(struct host *host, const struct router *router, const struct uplink *from,
	uint16_t port, struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	struct nftables_rule rule = {
		.chain = "arriving",
		.in = from->host_link,
		.family = AF_INET,
		.tcp_port = port,
		.action = NFTABLES_DNAT,
		.to = &router->uplink.at.router,
		.to_count = 1,
		.to_port = ROUTER_PORT,
	};

	nftables_begin(&batch, host->table);
	nftables_add_rule(&batch, &rule);
	rule.family = AF_INET6;
	rule.to = &router->uplink.at.router6;
	nftables_add_rule(&batch, &rule);
	return nftables_send(host->tables, &batch, err);
}

void host_done(struct host *host)
{
	cleanup_close(&host->route);
	cleanup_close(&host->namespace_fd);
	cleanup_close(&host->tables);
	*host = HOST_NONE;
}
