/* Connecting to an instance with the client's address as one's own: IP_TRANSPARENT lets a socket
 * bind an address that is nobody's here, and the router's rules bring the answers back to it
 * (rules.c, restore and remember). As the gateway it is an ordinary IPv4 connection, which is also
 * what reaches an app that listens on IPv4 only. */
#include "upstream.h"

#include "network/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct netlink_address address_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	if (from->ss_family == AF_INET6)
		return (struct netlink_address){ .family = AF_INET6, .v6 = v6->sin6_addr };
	return (struct netlink_address){ .family = AF_INET, .v4 = v4->sin_addr };
}

void upstream_prepare(
	struct upstream_attempt *attempt, const struct sockaddr_storage *from, bool ipv6)
{
	const struct netlink_address client = address_of(from);

	attempt->from = *from;
	attempt->as_gateway =
		address_is_loopback(&client) ||
		(client.family == AF_INET6 && (!ipv6 || IN6_IS_ADDR_LINKLOCAL(&client.v6)));
}

static bool bind_as(int fd, const struct sockaddr_storage *from)
{
	const struct netlink_address client = address_of(from);
	const bool is_v6 = client.family == AF_INET6;
	const int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, on = 1;
	struct sockaddr_storage name;
	socklen_t size = address_fill(&client, 0, &name);

	/* The port is chosen when connecting, so that one is free for each instance and client. */
	return setsockopt(fd, level, is_v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof on) ==
		       0 &&
	       setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
	       bind(fd, (void *)&name, size) == 0;
}

bool upstream_is_v6(const struct upstream_attempt *attempt)
{
	return !attempt->as_gateway && attempt->from.ss_family == AF_INET6;
}

int upstream_connect(const struct upstream_attempt *attempt)
{
	const int family = attempt->as_gateway ? AF_INET : attempt->from.ss_family;
	const struct netlink_address instance = address_instance(family, attempt->slot);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	struct sockaddr_storage to;
	socklen_t size = address_fill(&instance, attempt->port, &to);

	if (fd < 0)
		return -1;
	if ((attempt->as_gateway || bind_as(fd, &attempt->from)) &&
		(connect(fd, (void *)&to, size) == 0 || errno == EINPROGRESS))
		return fd;
	(void)close(fd); /* never connected */
	return -1;
}
