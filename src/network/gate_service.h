/* Private to network: services as the gates' process sees them, and the way to one. */
#ifndef NETWORK_GATE_SERVICE_H
#define NETWORK_GATE_SERVICE_H

#include "accept.h"
#include "gate_message.h"

#include <stdbool.h>
#include <stddef.h>

struct gate_trip;

/* What an app's connections have failed of since it was last told. */
struct gate_failures {
	struct gate_report last;
	uint32_t count;
	struct loop_timer *timer; /* armed: told within the last minute */
};

struct gate_service {
	struct gate_services *all;
	uint16_t index;
	uint16_t port;
	struct netlink_address fixed[2]; /* where its host is no name to be looked up */
	unsigned fixed_count;
	struct netlink_address good; /* the address that answered last */
	struct gate_trip *waiting;   /* for the lookup under way */
	uint32_t sequence;
	struct loop_timer *lookup; /* armed: one is under way */
	struct gate_failures failures;
	struct loop_timer *crowded; /* armed: told within the last minute */
	struct gate_trip *try;
};

struct gate_services {
	struct loop *loop;
	int control, resolver;
	struct gate_service *items;
	size_t count;
};

/* Where trips to a service begin: the instance whose connections they are. */
struct gate_place {
	struct gate_trip *trips;
};

/* Whether the host's name is looked up: it is no address, and not localhost. */
bool gate_is_looked_up(const char *host);

/* Sets up item index of all. */
void gate_service_init(struct gate_services *all, size_t index, const char *host, uint16_t port);

/* Passes an accepted connection on to the service. */
void gate_pass(struct gate_service *service, struct accept_socket *from, struct gate_place *place,
	int client);

/* Tells, once a minute, that an instance holds so many connections to it that its next ones wait.
 */
void gate_report_crowd(struct gate_service *service, unsigned held);

/* Connects to it once and reports how that went, unless that is being done already. */
void gate_try(struct gate_service *service);

/* The place is dead: see flow_abandon and flow_reset. */
void gate_abandon(struct gate_place *place);
void gate_reset(struct gate_place *place);

/* Reads one answer of the resolver; -1: it is gone. */
int gate_read_answer(struct gate_services *all);

#endif
