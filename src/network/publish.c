/* Publishing: which instances take the connections of a port, in the router, in the host's table
 * and in the forwarder.
 *
 * An app that listens on 0.0.0.0 only would refuse IPv6 clients, of whom the kernel could not say
 * anything else. So whether an instance listens on IPv6 is tried once, and IPv6 clients are sent
 * by the kernel to those that do; where none does, the forwarder serves them over IPv4. */
#include "network/network.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernel/namespace.h"
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE = 50, TRIES = 4 }; /* milliseconds; an answer takes less than one */

static bool is_needed_v6(const struct network *network, size_t port)
{
	for (size_t i = 0; i < network->reserve_count && network->router.uplink.ipv6; i++)
		if (network->reserves[i].port == port &&
			network->reserves[i].address.family == AF_INET6)
			return true;
	return false;
}

enum answer { UNKNOWN, LISTENS, REFUSES };

static enum answer try_v6(const struct network *network, const struct sockaddr_in6 *to)
{
	struct error ignored;
	CLEANUP_CLOSE int fd = namespace_socket(network->router.namespace_fd, AF_INET6,
		SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP, &ignored);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof error;

	if (fd < 0)
		return UNKNOWN;
	if (connect(fd, (const void *)to, sizeof *to) < 0 && errno != EINPROGRESS)
		return errno == ECONNREFUSED ? REFUSES : UNKNOWN;
	if (poll(&ready, 1, PATIENCE) != 1 ||
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return UNKNOWN;
	if (error)
		return error == ECONNREFUSED ? REFUSES : UNKNOWN;
	return LISTENS;
}

/* An address that the instance's kernel has not made its own yet answers nothing: again, then. */
static enum answer ask_v6(const struct network *network, unsigned slot, uint16_t port)
{
	const struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_addr = address_instance(AF_INET6, slot).v6,
		.sin6_port = htons(port),
	};
	enum answer answer = UNKNOWN;

	for (int i = 0; i < TRIES && answer == UNKNOWN; i++)
		answer = try_v6(network, &to);
	return answer;
}

/* The slots that IPv6 clients can be sent to, into ret; their number. */
static size_t find_v6(
	struct network *network, size_t port, const struct router_targets *targets, unsigned *ret)
{
	size_t count = 0;

	if (!is_needed_v6(network, port))
		return 0;
	for (size_t i = 0; i < targets->slot_count; i++) {
		const unsigned slot = targets->slots[i];

		if (!network->is_known[slot]) {
			const enum answer answer = ask_v6(network, slot, targets->port);

			network->is_known[slot] = answer != UNKNOWN;
			network->has_ipv6[slot] = answer == LISTENS;
		}
		if (network->has_ipv6[slot])
			ret[count++] = slot;
	}
	return count;
}

/* Opens or closes what leads to the port. The forwarder's sockets listen before it hears where to
 * go (it drops one that does not), and stop before it hears that there is nowhere. */
static int set_way_in(struct network *network, size_t port, enum host_open open, struct error *err)
{
	if (network->open[port] == open)
		return 0;
	network->open[port] = open;
	for (size_t i = 0; i < network->reserve_count; i++) {
		struct reserve *reserve = &network->reserves[i];

		if (reserve->port != port || !reserve->forwarded)
			continue;
		if (open == HOST_CLOSED)
			reserve_close(reserve);
		else if (reserve_open(reserve, err) < 0)
			return -1;
	}
	if (network->own)
		return 0;
	return host_publish(&network->host, &network->router, network->reserves,
		network->reserve_count, network->open, err);
}

/* Instances first, then the way in; and a way in is closed before instances are taken away. */
static int publish(struct network *network, size_t port, const struct router_targets *targets,
	struct error *err)
{
	enum host_open open = HOST_CLOSED;

	if (targets->slot_count)
		open = targets->slot6_count ? HOST_OPEN : HOST_OPEN_V4;
	if (open < network->open[port] && set_way_in(network, port, open, err) < 0)
		return -1;
	if (!network->own && router_balance(&network->router, port, targets, err) < 0)
		return -1;
	if (set_way_in(network, port, open, err) < 0)
		return -1;
	return forwarder_publish(
		&network->forwarder, port, targets->port, targets->slots, targets->slot_count, err);
}

int network_publish(struct network *network, size_t port, const unsigned *slots, size_t slot_count,
	struct error *err)
{
	CLEANUP_FREE unsigned *slots6 = memory_new(slot_count, sizeof *slots6);
	struct router_targets targets = {
		.slots = slots, .slot_count = slot_count, .slots6 = slots6
	};

	if (port >= network->port_count || slot_count > NETWORK_SLOTS)
		return error_set(err, ERROR_FAILED, "network: there is no such port");
	for (size_t i = 0; i < slot_count; i++)
		if (slots[i] >= NETWORK_SLOTS)
			return error_set(
				err, ERROR_FAILED, "network: there is no slot %u", slots[i]);
	targets.port = network->ports[port].inside;
	targets.slot6_count = find_v6(network, port, &targets, slots6);
	if (publish(network, port, &targets, err) < 0)
		return error_wrap(err, "network");
	return 0;
}
