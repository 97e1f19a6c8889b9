/* A gate inside: an address on lo, a socket that listens there, and a rule that leads to it.
 *
 *	redis://127.0.0.1:6379   127.0.0.1:6379, [::1]:6379 for localhost  -> 198.18.128.1:61000
 *	redis://10.0.0.5:6379    10.0.0.5:6379                             -> 198.18.128.2:61000
 *	redis://db.example:6379  198.18.128.3, by /etc/hosts               -> 198.18.128.3:61000
 *
 * All gates have one port, behind those that the kernel gives out and far from those of apps: a
 * socket of the app's on 0.0.0.0 and the service's own port conflicts with none. What is led to a
 * gate stays on lo, though rules behind this one see it on its way to where it was to go. */
#include "gate_inside.h"

#include "base/cleanup.h"
#include "gate_service.h"
#include "kernel/namespace.h"
#include "kernel/nftables.h"
#include "link.h"
#include "network/address.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT = 61000, LOOPBACK = 1, QUEUE = 4096, FULL_BATCH = 60 };

/* A way in: what the app connects to, and what is there. */
struct way {
	struct netlink_address from, gate;
	uint16_t port, service;
};

/* The first service of the same host. */
static size_t find_host(const struct gates_config *config, size_t index)
{
	size_t i = 0;

	while (strcmp(config->services[i].host, config->services[index].host) != 0)
		i++;
	return i;
}

static bool is_double(const struct gates_config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (config->services[i].port == config->services[index].port &&
			strcmp(config->services[i].host, config->services[index].host) == 0)
			return true;
	return false;
}

static void add_way(
	struct way *ways, size_t *count, size_t service, const struct netlink_address *from)
{
	ways[(*count)++] = (struct way){
		.from = *from,
		.gate = address_gate(from->family, (unsigned)service),
		.service = (uint16_t)service,
	};
}

/* The ways to one service: at most two, a name's by IPv4 alone. */
static size_t find_ways(const struct gates_config *config, size_t index, bool ipv6, struct way *ret)
{
	const struct gates_service *service = &config->services[index];
	struct netlink_address address;
	size_t count = 0;

	if (is_double(config, index))
		return 0;
	if (address_parse(service->host, &address)) {
		add_way(ret, &count, index, &address);
	} else if (gate_is_looked_up(service->host)) {
		address = address_gate(AF_INET, (unsigned)find_host(config, index));
		add_way(ret, &count, index, &address);
	} else {
		(void)address_parse("127.0.0.1", &address); /* it is one */
		add_way(ret, &count, index, &address);
		(void)address_parse("::1", &address); /* as above */
		add_way(ret, &count, index, &address);
		count -= !ipv6;
	}
	for (size_t i = 0; i < count; i++)
		ret[i].port = service->port;
	return count;
}

static int add_addresses(const struct way *ways, size_t count, int route, struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };

	for (size_t i = 0; i < count; i++) {
		netlink_add_address(&batch, LOOPBACK, &ways[i].gate,
			ways[i].gate.family == AF_INET6 ? 128 : 32);
		if (batch.count > FULL_BATCH && netlink_send(route, &batch, err) < 0)
			return -1;
	}
	return netlink_send(route, &batch, err);
}

static int add_rules(const struct way *ways, size_t count, int namespace_fd, struct error *err)
{
	static const struct nftables_chain chain = { "gates", "nat", NF_INET_LOCAL_OUT,
		NF_IP_PRI_NAT_DST, false };
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	CLEANUP_CLOSE int tables = nftables_open(namespace_fd, err);

	if (tables < 0)
		return -1;
	nftables_begin(&batch, "gates");
	nftables_add_table(&batch, false);
	nftables_add_chain(&batch, &chain);
	for (size_t i = 0; i < count; i++) {
		const struct nftables_rule rule = {
			.chain = "gates",
			.destination = ways[i].from,
			.tcp_port = ways[i].port,
			.action = NFTABLES_DNAT,
			.to = &ways[i].gate,
			.to_count = 1,
			.to_port = PORT,
		};

		nftables_add_rule(&batch, &rule);
	}
	return nftables_send(tables, &batch, err);
}

/* In the namespace. */
static int listen_on(const struct netlink_address *address, struct error *err)
{
	CLEANUP_CLOSE int fd =
		socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	struct sockaddr_storage name;
	socklen_t size = address_fill(address, PORT, &name);

	if (fd < 0 || bind(fd, (void *)&name, size) < 0 || listen(fd, QUEUE) < 0)
		return error_errno(err, "listen");
	return steal_fd(&fd);
}

static int listen_all(const struct way *ways, size_t count, struct gate_listener *ret,
	size_t *ret_count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int fd = listen_on(&ways[i].gate, err);

		if (fd < 0)
			return -1;
		ret[(*ret_count)++] = (struct gate_listener){ fd, ways[i].service };
	}
	return 0;
}

int gate_inside(const struct gates_config *config, int namespace_fd, struct gate_listener *ret,
	size_t *ret_count, struct error *err)
{
	const bool ipv6 = link_has_ipv6(namespace_fd);
	struct way ways[2 * GATES_MAX];
	CLEANUP_CLOSE int route = netlink_open(namespace_fd, err);
	size_t count = 0;
	int back, result;

	*ret_count = 0;
	if (route < 0)
		return -1;
	for (size_t i = 0; i < config->count; i++)
		count += find_ways(config, i, ipv6, &ways[count]);
	if (add_addresses(ways, count, route, err) < 0)
		return -1;
	back = namespace_enter(namespace_fd, err);
	if (back < 0)
		return -1;
	result = listen_all(ways, count, ret, ret_count, err);
	namespace_leave(back);
	return result < 0 ? -1 : add_rules(ways, count, namespace_fd, err);
}

/* What the image's own file may say is gone: it would be the build's word against the config's. */
void gates_hosts(const struct gates_config *config, struct buf *ret)
{
	buf_addf(ret, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	for (size_t i = 0; i < config->count; i++) {
		const char *host = config->services[i].host;
		const struct netlink_address gate = address_gate(AF_INET, (unsigned)i);
		struct netlink_address ignored;
		char text[INET_ADDRSTRLEN];

		if (find_host(config, i) != i || address_parse(host, &ignored) ||
			strcmp(host, "localhost") == 0)
			continue;
		(void)inet_ntop(AF_INET, gate.bytes, text, sizeof text); /* it fits */
		if (gate_is_looked_up(host))
			buf_addf(ret, "%s\t%s\n", text, host);
		else
			buf_addf(ret, "127.0.0.1\t%s\n::1\t%s\n", host, host);
	}
}
