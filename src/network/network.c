/* A network from beginning to end. Ports first, because a taken one should cost nothing, and
 * because an ordinary user who has moved to a namespace of its own cannot come back to the host's;
 * the host's table last, because it is the only thing that others could see. Ending goes the other
 * way round but for that table, whose closing waits in the kernel. */
#include "network/network.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "kernel/namespace.h"
#include "probe.h"
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PORTS_MAX = 1000 }; /* each has a port of the router's, from ROUTER_PORT on */

/* Whether any port is to be reached from elsewhere. */
static bool has_remote(const struct network *network)
{
	for (size_t i = 0; i < network->reserve_count; i++)
		if (!address_is_loopback(&network->reserves[i].address))
			return true;
	return false;
}

/* Who serves which reserve: the kernel what it can, the forwarder the rest. */
static void divide(struct network *network, bool forwards_v4, bool forwards_v6)
{
	const bool has_v6 = network->router.uplink.ipv6;

	for (size_t i = 0; network->own && i < network->reserve_count; i++)
		network->reserves[i].forwarded = true;
	for (size_t i = 0; !network->own && i < network->reserve_count; i++) {
		struct reserve *reserve = &network->reserves[i];
		const bool is_loopback = address_is_loopback(&reserve->address);

		if (reserve->address.family == AF_INET) {
			reserve->remote = !is_loopback && forwards_v4;
			reserve->forwarded = !is_loopback && !forwards_v4;
		} else {
			reserve->remote = !is_loopback && has_v6 && forwards_v6;
			/* It has ::1 in it, or meets an app that listens on IPv4 only. */
			reserve->forwarded = true;
		}
	}
}

/* Says, once, what the forwarder is there for. */
static void give_notice(const struct network *network)
{
	bool has_loopback6 = false;

	for (size_t i = 0; i < network->reserve_count && network->notice; i++) {
		const struct reserve *reserve = &network->reserves[i];
		char text[ADDRESS_TEXT], line[160];

		if (reserve->address.family == AF_INET6)
			has_loopback6 |= address_is_any(&reserve->address) ||
					 address_is_loopback(&reserve->address);
		if (reserve->remote || address_is_loopback(&reserve->address))
			continue;
		address_print(&reserve->address, reserve->number, text);
		(void)snprintf(line, sizeof line,
			"forwarding port %s with splice: this host does not forward packets", text);
		network->notice(network->context, line);
		return;
	}
	if (has_loopback6 && network->notice)
		network->notice(network->context,
			"forwarding [::1] with splice: the kernel does not route it");
}

/* Rules on the host first, for the probe of whether it forwards; nothing is open yet. */
static int build_way_in(struct network *network, const struct uplink_plan *plan, struct error *err)
{
	bool forwards_v4 = false, forwards_v6 = false;

	if (host_load_rules(&network->host, &network->router, err) < 0)
		return -1;
	if (has_remote(network) && probe_forwarding(&network->host, &network->router, plan,
					   &forwards_v4, &forwards_v6, err) < 0)
		return -1;
	divide(network, forwards_v4, forwards_v6);
	return 0;
}

/* With a link to the host: as root. */
static int build_linked(struct network *network, struct error *err)
{
	struct uplink_plan plan = { .range = network->range };

	if (host_open(&network->host, err) < 0)
		return -1;
	plan.host = network->host.namespace_fd;
	plan.host_route = network->host.route;
	if (router_make(&plan, &network->router, err) < 0 ||
		build_way_in(network, &plan, err) < 0 ||
		router_load_rules(&network->router, network->port_count, err) < 0)
		return -1;
	return host_publish(&network->host, &network->router, network->reserves,
		network->reserve_count, network->open, err);
}

/* Without: this process's own namespace is the router, and all ports are the forwarder's. */
static int build_unlinked(struct network *network, struct error *err)
{
	if (router_take(&network->router, err) < 0)
		return -1;
	divide(network, false, false);
	return router_load_rules(&network->router, network->port_count, err);
}

int network_start(struct network *network, struct error *err)
{
	int status = network->own ? build_unlinked(network, err) : build_linked(network, err);

	if (status < 0 || forwarder_start(network->reserves, network->reserve_count,
				  &network->router, &network->forwarder, err) < 0)
		return error_wrap(err, "network");
	if (network->router.refused < 0 && network->notice)
		network->notice(network->context,
			"refused connections are not logged: this kernel has no nfnetlink_log");
	if (!network->own)
		give_notice(network);
	return 0;
}

static int reserve(struct network *network, const struct network_config *config, struct error *err)
{
	if (config->port_count > PORTS_MAX)
		return error_set(
			err, ERROR_CONFIG, "no more than %d ports can be published", PORTS_MAX);
	if (address_range_parse(config->range, &network->range, err) < 0)
		return -1;
	return reserve_ports(config, &network->reserves, &network->reserve_count, err);
}

int network_new(const struct network_config *config, struct network **ret, struct error *err)
{
	struct network *network = memory_new(1, sizeof *network);

	network->own = config->own;
	network->router = ROUTER_NONE;
	network->host = HOST_NONE;
	network->forwarder = HELPER_NONE;
	network->notice = config->notice;
	network->context = config->context;
	network->port_count = config->port_count;
	network->ports = memory_new(config->port_count, sizeof *network->ports);
	network->open = memory_new(config->port_count, sizeof *network->open);
	for (size_t i = 0; i < config->port_count; i++) {
		network->ports[i] = config->ports[i];
		network->ports[i].address = NULL;
	}
	if (reserve(network, config, err) < 0) {
		network_free(network);
		return -1;
	}
	*ret = network;
	return 0;
}

int network_dial(struct network *network, unsigned slot, uint16_t port, struct error *err)
{
	const struct netlink_address address = address_instance(AF_INET, slot);
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr = address.v4,
		.sin_port = htons(port),
	};
	int fd = namespace_socket(network->router.namespace_fd, AF_INET,
		SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP, err);

	if (fd < 0)
		return error_wrap(err, "network");
	if (connect(fd, (const void *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
		error_errno(err, "network: connect");
		(void)close(fd); /* never connected */
		return -1;
	}
	return fd;
}

void network_free(struct network *network)
{
	if (!network)
		return;
	helper_done(&network->forwarder, 0);
	router_done(&network->router);
	reserve_done(network->reserves, network->reserve_count);
	host_done(&network->host);
	free(network->open);
	free(network->ports);
	free(network);
}
