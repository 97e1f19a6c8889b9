/* Private to network: connections that are passed on, byte for byte. */
#ifndef NETWORK_FLOW_H
#define NETWORK_FLOW_H

#include "base/loop.h"

#include <stdbool.h>

enum { FLOW_PIPES = 64 };

/* What flow_way's next returns instead of a descriptor. */
enum { FLOW_NONE = -1, FLOW_LATER = -2 };

struct flow;

/* How the server is reached; trip is what one connection keeps for it. */
struct flow_way {
	/* Starts the next attempt: a connecting socket, FLOW_NONE (there is none left: the client
	 * is reset) or FLOW_LATER (flow_resume will be called). error is why the last attempt
	 * failed, 0 before the first. */
	int (*next)(void *trip, struct flow *flow, int error);
	void (*connected)(void *trip); /* may be NULL */
	void (*done)(void *trip);      /* the connection is over; frees trip */
};

/* All connections, and the pipes that none of them holds. */
struct flow_table {
	struct loop *loop;
	unsigned count, max;
	int pipes[FLOW_PIPES][2];
	unsigned pipe_count;
	void (*on_free)(void *context); /* a connection ended */
	void *context;
};

/* Takes over the accepted connection client and connects it the given way. The flow may be over
 * when this returns, as with each of the following. Until its end it is counted in *held, too
 * (NULL: nowhere). */
void flow_begin(struct flow_table *table, int client, const struct flow_way *way, void *trip,
	unsigned *held);

/* Gives the attempt that is under way up, for this reason, and asks for the next one. Only before
 * the connection is made. */
void flow_resume(struct flow *flow, int error);

/* The client is dead: the flow ends as soon as the server has what the client sent. */
void flow_abandon(struct flow *flow);

/* Ends the flow at once. */
void flow_reset(struct flow *flow);

#endif
