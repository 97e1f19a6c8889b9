/* Private to network: the forwarder's way to an instance, from within the router. */
#ifndef NETWORK_UPSTREAM_H
#define NETWORK_UPSTREAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct upstream_attempt {
	struct sockaddr_storage from; /* the client */
	bool as_gateway;              /* not as the client */
	unsigned slot;
	uint16_t port;
};

/* Decides as whom to connect for a client: loopback and link-local ones mean nothing in there. */
void upstream_prepare(
	struct upstream_attempt *attempt, const struct sockaddr_storage *from, bool ipv6);

/* Whether the next attempt goes over IPv6. */
bool upstream_is_v6(const struct upstream_attempt *attempt);

/* A connecting socket, or -1 and errno. This process must be in the router's namespace. */
int upstream_connect(const struct upstream_attempt *attempt);

#endif
