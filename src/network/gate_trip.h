/* Private to network: one connection's way to a service, and what it needs of the service. */
#ifndef NETWORK_GATE_TRIP_H
#define NETWORK_GATE_TRIP_H

#include "gate_service.h"

struct gate_trip {
	struct gate_service *service;
	struct flow *flow; /* NULL: a try */
	int fd;            /* a try's */
	bool is_known;     /* addresses are */
	struct netlink_address addresses[GATE_ADDRESSES];
	unsigned count, at;
	struct gate_report failure;
	struct loop_timer *timer;
	struct gate_trip *next_waiting, **at_waiting;
	struct gate_trip *next_here, **at_here; /* of its place */
};

/* Lets all trips that wait for the lookup go on, with what was found or with the reason why nothing
 * was. */
void gate_give(struct gate_service *service, const struct netlink_address *addresses,
	unsigned count, const struct gate_report *failure);

/* Of gate_service.c: asks the resolver, unless that was done and it has not answered yet. */
void gate_look_up(struct gate_service *service);

/* Of gate_service.c: tells the supervisor; of the failures of apps' connections the first at once,
 * and of what follows within a minute the number. false: it does not listen now. */
bool gate_send_report(const struct gate_services *all, const struct gate_report *report);
void gate_report_failure(struct gate_service *service, const struct gate_report *failure);

#endif
