/* Private to network: the process that serves what the kernel cannot publish. */
#ifndef NETWORK_FORWARDER_H
#define NETWORK_FORWARDER_H

#include "reserve.h"
#include "router.h"

#include <sys/types.h>

struct forwarder {
	pid_t pid; /* for messages, never to signal */
	int pidfd; /* -1: there is none */
	int control;
};

#define FORWARDER_NONE ((struct forwarder){ .pid = -1, .pidfd = -1, .control = -1 })

/* Starts the process, which serves the reserves that are to be forwarded; it dies with this one. */
int forwarder_start(const struct reserve *reserves, size_t count, const struct router *router,
	struct forwarder *ret, struct error *err);

/* Says where new connections of a port go. */
int forwarder_publish(struct forwarder *forwarder, size_t port, uint16_t inside,
	const unsigned *slots, size_t slot_count, struct error *err);

void forwarder_done(struct forwarder *forwarder);

#endif
