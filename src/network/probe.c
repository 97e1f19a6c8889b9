/* Does this host forward? Its sysctls and rules could be read, but not understood: iptables, nft,
 * firewalld, a cloud's agent, policies of chains and marks, all have their say. So a client is
 * played: a namespace with a link to the host connects to a port that leads to the router, as a
 * published one would, and either the connection stands or it does not. The namespace, its link and
 * the listening socket are gone when this returns. */
#include "probe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT = 9, PATIENCE = 30, ROUNDS = 10 };

struct attempt {
	struct netlink_address listen; /* in the router */
	struct netlink_address dial;   /* what the client connects to: an address of the host */
	int listener, client;
};

static int open_socket(int namespace_fd, int family, struct error *err)
{
	return namespace_socket(
		namespace_fd, family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP, err);
}

static socklen_t fill(
	struct sockaddr_storage *ret, const struct netlink_address *address, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	ret->ss_family = (sa_family_t)address->family;
	if (address->family == AF_INET6) {
		v6->sin6_addr = address->v6;
		v6->sin6_port = htons(port);
		return sizeof *v6;
	}
	v4->sin_addr = address->v4;
	v4->sin_port = htons(port);
	return sizeof *v4;
}

static int begin_listening(struct attempt *attempt, const struct router *router, struct error *err)
{
	struct sockaddr_storage name;
	socklen_t size = fill(&name, &attempt->listen, ROUTER_PORT);

	attempt->listener = open_socket(router->namespace_fd, attempt->listen.family, err);
	if (attempt->listener < 0)
		return -1;
	if (bind(attempt->listener, (void *)&name, size) < 0 || listen(attempt->listener, 1) < 0)
		return error_errno(err, "probe");
	return 0;
}

static int dial(struct attempt *attempt, int client, struct error *err)
{
	struct sockaddr_storage name;
	socklen_t size = fill(&name, &attempt->dial, PORT);

	cleanup_close(&attempt->client);
	attempt->client = open_socket(client, attempt->dial.family, err);
	if (attempt->client < 0)
		return -1;
	(void)connect(attempt->client, (void *)&name, size); /* the wait shows how it went */
	return 0;
}

/* Waits until both are decided, or for as long as a host that forwards would never need. */
static void await(const struct attempt *attempts, int count)
{
	const uint64_t end = clock_now() + PATIENCE;
	struct pollfd polls[2];
	int undecided = count;

	for (int i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = attempts[i].client, .events = POLLOUT };
	for (uint64_t now = clock_now(); undecided && now < end; now = clock_now()) {
		(void)poll(polls, (nfds_t)count, (int)(end - now)); /* the clock decides */
		for (int i = 0; i < count; i++) {
			if (polls[i].fd >= 0 && polls[i].revents) {
				polls[i].fd = -1;
				undecided--;
			}
		}
	}
}

static bool has_arrived(const struct attempt *attempt)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;

	return attempt->client >= 0 && getpeername(attempt->client, (void *)&peer, &size) == 0;
}

/* A link that has just come up may lose its first packets, and TCP would send another only after a
 * second: so who has not arrived dials again, a few times. */
static int try_all(struct attempt attempts[2], int count, const struct router *router, int client,
	struct error *err)
{
	int arrived = 0;

	for (int i = 0; i < count; i++)
		if (begin_listening(&attempts[i], router, err) < 0)
			return -1;
	for (int round = 0; round < ROUNDS && arrived < count; round++) {
		for (int i = 0; i < count; i++)
			if (!has_arrived(&attempts[i]) && dial(&attempts[i], client, err) < 0)
				return -1;
		await(attempts, count);
		arrived = 0;
		for (int i = 0; i < count; i++)
			arrived += has_arrived(&attempts[i]);
	}
	return 0;
}

int probe_forwarding(struct host *host, const struct router *router, const struct uplink_plan *plan,
	bool *ret_v4, bool *ret_v6, struct error *err)
{
	CLEANUP_CLOSE int client = namespace_new(err), route = -1;
	struct attempt attempts[2] = { { .listener = -1, .client = -1 },
		{ .listener = -1, .client = -1 } };
	struct uplink_plan own = *plan;
	struct uplink link;
	int result;

	if (client < 0 || (route = netlink_open(client, err)) < 0)
		return -1;
	own.route = route;
	own.routes = false;
	if (uplink_make(&own, &link, err) < 0 ||
		host_lead_probe(host, router, &link, PORT, err) < 0)
		return -1;
	attempts[0].listen = router->uplink.at.router;
	attempts[0].dial = link.at.host;
	attempts[1].listen = router->uplink.at.router6;
	attempts[1].dial = link.at.host6;
	result = try_all(attempts, link.ipv6 && router->uplink.ipv6 ? 2 : 1, router, client, err);
	*ret_v4 = has_arrived(&attempts[0]);
	*ret_v6 = has_arrived(&attempts[1]);
	for (int i = 0; i < 2; i++) {
		cleanup_close(&attempts[i].listener);
		cleanup_close(&attempts[i].client);
	}
	return result;
}
