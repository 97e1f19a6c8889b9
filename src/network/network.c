/* A network from beginning to end. Ports first, because a taken one should cost nothing; the
 * host's table last, because it is the only thing that others could see. Ending goes the other way
 * round but for that table, whose closing waits in the kernel. */
#include "network/network.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "kernel/namespace.h"
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int build(struct network *network, const struct network_config *config, struct error *err)
{
	struct address_range range;

	if (address_range_parse(config->range, &range, err) < 0 ||
		reserve_ports(config, &network->reserves, &network->reserve_count, err) < 0)
		return -1;
	if (host_open(&network->host, err) < 0 ||
		router_make(network->host.namespace_fd, network->host.route, &range,
			&network->router, err) < 0 ||
		router_load_rules(&network->router, network->port_count, err) < 0 ||
		host_load_rules(&network->host, &network->router, err) < 0)
		return error_wrap(err, "network");
	return 0;
}

int network_new(const struct network_config *config, struct network **ret, struct error *err)
{
	struct network *network = memory_new(1, sizeof *network);

	network->router = ROUTER_NONE;
	network->host = HOST_NONE;
	network->notice = config->notice;
	network->context = config->context;
	network->port_count = config->port_count;
	network->ports = memory_new(config->port_count, sizeof *network->ports);
	network->is_open = memory_new(config->port_count, sizeof *network->is_open);
	for (size_t i = 0; i < config->port_count; i++) {
		network->ports[i] = config->ports[i];
		network->ports[i].address = NULL;
	}
	if (build(network, config, err) < 0) {
		network_free(network);
		return -1;
	}
	*ret = network;
	return 0;
}

/* Instances first, then the way in; and the way in is closed before they are taken away. */
int network_publish(struct network *network, size_t port, const unsigned *slots, size_t slot_count,
	struct error *err)
{
	const bool was_open = network->is_open[port];
	const bool opens = slot_count && !was_open;

	network->is_open[port] = slot_count > 0;
	if (was_open && !slot_count &&
		host_publish(&network->host, &network->router, network->reserves,
			network->reserve_count, network->is_open, err) < 0)
		return error_wrap(err, "network");
	if (router_balance(&network->router, port, network->ports[port].inside, slots, slot_count,
		    err) < 0)
		return error_wrap(err, "network");
	if (opens && host_publish(&network->host, &network->router, network->reserves,
			     network->reserve_count, network->is_open, err) < 0)
		return error_wrap(err, "network");
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
	router_done(&network->router);
	reserve_done(network->reserves, network->reserve_count);
	host_done(&network->host);
	free(network->is_open);
	free(network->ports);
	free(network);
}
