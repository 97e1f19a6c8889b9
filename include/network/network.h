/* The network of a running deploy: one router namespace, a veth from it to every instance and, as
 * root, one to the host, and the ports published on the host. Its lifetime hangs on the
 * descriptors in struct network and on the forwarder's process: when isorun dies, all of it goes.
 *
 * An ordinary user cannot have the link to the host: then the router is the network namespace that
 * the caller has moved to between network_new and network_start, and the forwarder serves every
 * port.
 *
 * A link is one instance's place in it, a small number (slot); the caller chooses it, 0 to
 * NETWORK_SLOTS - 1, and may use it again after network_leave. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include "base/error.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_SLOTS = 1000 };

struct network;

/* One published port: address is "127.0.0.1", "0.0.0.0", "[::]", "*" (both any-addresses) or
 * another literal; inside is the instances' port. */
struct network_port {
	const char *address;
	uint16_t outside;
	uint16_t inside;
};

/* Text for the log stream, one line without a newline: "forwarding with splice: this host …". */
typedef void network_on_notice(void *context, const char *line);

struct network_config {
	const char *range; /* where on the host to look for a free /30 (ISORUN_NETWORK); NULL:
			      default */
	const struct network_port *ports;
	size_t port_count;
	bool own; /* an ordinary user's: no link to the host */
	network_on_notice *notice;
	void *context;
};

/* Does what is done on the host itself: reserves every port; a taken one is an error that names it.
 */
int network_new(const struct network_config *config, struct network **ret, struct error *err);

/* Builds the router and what leads to it. Nothing is published yet. */
int network_start(struct network *network, struct error *err);

/* Moves a fresh eth0 into the network namespace namespace_fd, addresses it, brings it and lo up and
 * sets the route. The namespace may belong to another user namespace. */
int network_join(struct network *network, unsigned slot, int namespace_fd, struct error *err);

/* Forgets the slot; its interface died or dies with the instance's namespace. */
void network_leave(struct network *network, unsigned slot);

/* Sets the slots whose instances take connections of port (an index into config->ports): the kernel
 * balances new connections over them. None: the port refuses connections. Existing connections
 * stay where they are. */
int network_publish(struct network *network, size_t port, const unsigned *slots, size_t slot_count,
	struct error *err);

/* A non-blocking TCP socket connecting to the instance's port from the router, for readiness
 * probes: -1 only if it could not even be started. The caller waits for EPOLLOUT and reads
 * SO_ERROR, and closes it. */
int network_dial(struct network *network, unsigned slot, uint16_t port, struct error *err);

/* Ends the forwarder and closes everything, the host's table last. NULL is fine. */
void network_free(struct network *network);

/* What an instance was refused, in words: "connection to 93.184.216.34:443", "datagram to
 * [2001:db8::1]:53", "packet (icmp) to 192.0.2.1". A one-off's slot is 0. */
enum { NETWORK_REFUSED_TEXT = 96 };
typedef void network_on_refused(void *context, unsigned slot, const char *what);

/* A descriptor that is readable when something was refused, for as long as the network; -1: this
 * kernel cannot tell, which the notice has said. */
int network_refused_fd(const struct network *network);

/* Calls for some of what has been refused since the last time; does not wait. */
void network_read_refused(struct network *network, network_on_refused *call, void *context);

/* A one-off's network, without a router: the same eth0, addresses and rules as an instance has,
 * inside namespace_fd; nothing to publish, nothing to free (all of it lives in the namespace).
 * *ret_refused keeps what it is refused, the first some hundred; the caller closes it; -1 where the
 * kernel cannot tell. */
int network_join_alone(int namespace_fd, int *ret_refused, struct error *err);
void network_read_refused_alone(int fd, network_on_refused *call, void *context);

#endif
