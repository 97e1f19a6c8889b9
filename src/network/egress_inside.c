/* The way out as it begins inside. What leaves by eth0 to another machine is marked; what is marked
 * is delivered here, whatever its address, to transparent sockets (the kernel's tproxy):
 *
 *	connect 93.184.216.34:443 -> output: mark -> routed to lo
 *				  -> divert: tproxy -> 198.18.255.1:61000
 *
 * No address is translated: a socket that is accepted has the other machine's address as its own,
 * and a datagram says where it was to go. Answers to datagrams come from raw sockets, for no other
 * can send from any port. What is not marked leaves by eth0 to be refused there, as without. */
#include "egress.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "kernel/nftables.h"
#include "link.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOOPBACK = 1,
	PORT = 61000,
	TABLE = 101, /* of routes: everything is local */
	QUEUE = 4096,
	BUFFER = 1 << 20, /* bytes of datagrams that wait */
};

static void add_family(struct netlink_batch *batch, int family)
{
	const struct netlink_address here = address_way_out(family);
	const struct netlink_route everything = {
		.to.family = family, .link = LOOPBACK, .table = TABLE, .local = true
	};

	netlink_add_address(batch, LOOPBACK, &here, family == AF_INET6 ? 128 : 32);
	netlink_add_rule(batch, family, EGRESS_MARK, TABLE);
	netlink_add_route(batch, &everything);
}

static int add_routes(int namespace_fd, bool ipv6, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	CLEANUP_CLOSE int route = netlink_open(namespace_fd, err);

	if (route < 0)
		return -1;
	add_family(&batch, AF_INET);
	if (ipv6)
		add_family(&batch, AF_INET6);
	return netlink_send(route, &batch, err);
}

/* Rules. */

static void add_exception(struct nftables_batch *batch, struct netlink_address to, unsigned prefix)
{
	const struct nftables_rule rule = {
		.chain = "output",
		.destination = to,
		.destination_prefix = prefix,
		.action = NFTABLES_ACCEPT,
	};

	nftables_add_rule(batch, &rule);
}

/* Left alone: what stays here, isorun's own networks but for the name server, and what has no one
 * machine at its end. */
static void add_exceptions(struct nftables_batch *batch)
{
	static const struct nftables_rule first[] = {
		{ .chain = "output", .out = LOOPBACK, .action = NFTABLES_ACCEPT },
		{ .chain = "output", .to_local = true, .action = NFTABLES_ACCEPT },
	};
	const struct netlink_address resolver = address_resolver();
	const struct nftables_rule names = {
		.chain = "output",
		.destination = resolver,
		.action = NFTABLES_JUMP,
		.target = "lead",
	};

	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		nftables_add_rule(batch, &first[i]);
	nftables_add_rule(batch, &names);
	add_exception(batch, address_gateway(AF_INET), 15);
	add_exception(batch, address_gateway(AF_INET6), 56);
	add_exception(batch, (struct netlink_address){ .family = AF_INET, .bytes = { 224 } }, 3);
	add_exception(batch, (struct netlink_address){ .family = AF_INET6, .bytes = { 0xff } }, 8);
	add_exception(
		batch, (struct netlink_address){ .family = AF_INET6, .bytes = { 0xfe, 0x80 } }, 10);
}

static void add_leading(struct nftables_batch *batch)
{
	static const struct nftables_rule rules[] = {
		{ .chain = "output", .action = NFTABLES_JUMP, .target = "lead" },
		{ .chain = "lead",
			.protocol = IPPROTO_TCP,
			.mark = EGRESS_MARK,
			.action = NFTABLES_MARK },
		{ .chain = "lead",
			.protocol = IPPROTO_UDP,
			.mark = EGRESS_MARK,
			.action = NFTABLES_MARK },
		{ .chain = "lead", .action = NFTABLES_ACCEPT },
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		nftables_add_rule(batch, &rules[i]);
}

static void add_diversion(struct nftables_batch *batch, int family)
{
	const struct netlink_address here = address_way_out(family);
	const struct nftables_rule rule = {
		.chain = "divert",
		.packet_marked = EGRESS_MARK,
		.family = family,
		.action = NFTABLES_TPROXY,
		.to = &here,
		.to_count = 1,
		.to_port = PORT,
	};

	nftables_add_rule(batch, &rule);
}

static int add_rules(int namespace_fd, bool ipv6, struct error *err)
{
	static const struct nftables_chain chains[] = {
		{ .name = "lead" },
		{ "output", "route", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE, false },
		{ "divert", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE, false },
	};
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	CLEANUP_CLOSE int tables = nftables_open(namespace_fd, err);

	if (tables < 0)
		return -1;
	nftables_begin(&batch, "open");
	nftables_add_table(&batch, false);
	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
		nftables_add_chain(&batch, &chains[i]);
	add_exceptions(&batch);
	add_leading(&batch);
	add_diversion(&batch, AF_INET);
	if (ipv6)
		add_diversion(&batch, AF_INET6);
	return nftables_send(tables, &batch, err);
}

/* Sockets, made in the namespace. */

static int make_transparent(int family, int type, struct error *err)
{
	const struct netlink_address here = address_way_out(family);
	const bool is_v6 = family == AF_INET6;
	const int level = is_v6 ? SOL_IPV6 : SOL_IP, on = 1, size = BUFFER;
	CLEANUP_CLOSE int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage name;
	socklen_t len = address_fill(&here, PORT, &name);

	if (fd < 0 ||
		setsockopt(fd, level, is_v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof on) <
			0 ||
		bind(fd, (void *)&name, len) < 0)
		return error_errno(err, "transparent socket");
	if (type == SOCK_STREAM && listen(fd, QUEUE) < 0)
		return error_errno(err, "listen");
	if (type == SOCK_DGRAM &&
		setsockopt(fd, level, is_v6 ? IPV6_RECVORIGDSTADDR : IP_RECVORIGDSTADDR, &on,
			sizeof on) < 0)
		return error_errno(err, "transparent socket");
	if (type == SOCK_DGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* or fewer */
	return steal_fd(&fd);
}

static int make_raw(int family, struct error *err)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd < 0 ? error_errno(err, "raw socket") : fd;
}

static int make_sockets(int count, int ret[EGRESS_SOCKETS], struct error *err)
{
	for (int i = 0; i < count; i += EGRESS_SOCKETS4) {
		const int family = i == 0 ? AF_INET : AF_INET6;

		ret[i + EGRESS_TCP4] = make_transparent(family, SOCK_STREAM, err);
		if (ret[i + EGRESS_TCP4] < 0)
			return -1;
		ret[i + EGRESS_UDP4] = make_transparent(family, SOCK_DGRAM, err);
		if (ret[i + EGRESS_UDP4] < 0)
			return -1;
		ret[i + EGRESS_RAW4] = make_raw(family, err);
		if (ret[i + EGRESS_RAW4] < 0)
			return -1;
	}
	return count;
}

int egress_inside(int namespace_fd, int ret[EGRESS_SOCKETS], struct error *err)
{
	const bool ipv6 = link_has_ipv6(namespace_fd);
	int sockets[EGRESS_SOCKETS] = { -1, -1, -1, -1, -1, -1 }, back, count;

	if (add_routes(namespace_fd, ipv6, err) < 0)
		return -1;
	back = namespace_enter(namespace_fd, err);
	if (back < 0)
		return -1;
	count = make_sockets(ipv6 ? EGRESS_SOCKETS : EGRESS_SOCKETS4, sockets, err);
	namespace_leave(back);
	if (count > 0 && add_rules(namespace_fd, ipv6, err) == 0) {
		for (int i = 0; i < count; i++)
			ret[i] = sockets[i];
		return count;
	}
	for (int i = 0; i < EGRESS_SOCKETS; i++)
		cleanup_close(&sockets[i]);
	return -1;
}
