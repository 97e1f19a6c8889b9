/* Does this host forward? Its sysctls and rules could be read, but not understood: iptables, nft,
 * firewalld, a cloud's agent, policies of chains and marks, all have their say. So a client is
 * played: a namespace with a link to the host connects to a port that leads to the router, as a
 * published one would, and either the connection stands or it does not. The namespace, its link and
 * the listening socket are gone when this returns.
 *
 * A dropped packet is known by its absence, and how long to wait depends on how busy the machine
 * is. So the client meanwhile knocks at a closed port of the host, again and again: when it was
 * told often enough that this one is closed, the other answer would have been there too. */
#include "probe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
	PORT = 9,
	CLOSED = 10,     /* a port of the host that nobody listens on */
	ECHOES = 16,     /* round trips to the host in which one through it would have come back */
	LEAST = 40,      /* milliseconds, at least */
	PATIENCE = 1000, /* milliseconds at most, where the host answers nothing */
};

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

static int start(
	struct attempt *attempt, const struct router *router, int client, struct error *err)
{
	struct sockaddr_storage name;
	socklen_t size = address_fill(&attempt->listen, ROUTER_PORT, &name);

	attempt->listener = open_socket(router->namespace_fd, attempt->listen.family, err);
	if (attempt->listener < 0)
		return -1;
	if (bind(attempt->listener, (void *)&name, size) < 0 || listen(attempt->listener, 1) < 0)
		return error_errno(err, "probe");
	attempt->client = open_socket(client, attempt->dial.family, err);
	if (attempt->client < 0)
		return -1;
	size = address_fill(&attempt->dial, PORT, &name);
	(void)connect(attempt->client, (void *)&name, size); /* the wait shows how it went */
	return 0;
}

static int knock(int client, const struct netlink_address *host, struct error *err)
{
	struct sockaddr_storage name;
	socklen_t size = address_fill(host, CLOSED, &name);
	int fd = open_socket(client, host->family, err);

	if (fd >= 0)
		(void)connect(fd, (void *)&name, size); /* refused, by and by */
	return fd;
}

/* Waits until all attempts are decided, or were given enough time. */
static int await(const struct attempt *attempts, int count, int client, struct error *err)
{
	const uint64_t began = clock_now();
	struct pollfd polls[3] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1, .events = POLLOUT } };
	uint64_t spent = 0;
	int undecided = count, echoes = 0;

	for (int i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = attempts[i].client, .events = POLLOUT };
	while (undecided && spent < PATIENCE && (echoes < ECHOES || spent < LEAST)) {
		if (polls[2].fd < 0 && echoes < ECHOES)
			polls[2].fd = knock(client, &attempts[0].dial, err);
		if (polls[2].fd < 0 && echoes < ECHOES)
			return -1;
		/* What it returns shows in polls, and the clock decides. */
		(void)poll(polls, 3, echoes < ECHOES ? (int)(PATIENCE - spent) : LEAST);
		for (int i = 0; i < 2; i++) {
			undecided -= polls[i].fd >= 0 && polls[i].revents;
			polls[i].fd = polls[i].revents ? -1 : polls[i].fd;
		}
		if (polls[2].fd >= 0 && polls[2].revents) {
			cleanup_close(&polls[2].fd);
			polls[2].fd = -1;
			echoes++;
		}
		spent = clock_now() - began;
	}
	cleanup_close(&polls[2].fd);
	return 0;
}

static bool has_arrived(const struct attempt *attempt)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;

	return attempt->client >= 0 && getpeername(attempt->client, (void *)&peer, &size) == 0;
}

static int try_all(struct attempt attempts[2], int count, const struct router *router, int client,
	struct error *err)
{
	for (int i = 0; i < count; i++)
		if (start(&attempts[i], router, client, err) < 0)
			return -1;
	return await(attempts, count, client, err);
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
