/* The way to a service. A trip is one connection's: it waits for the lookup of the name, then tries
 * one address after the other. Whoever has not answered in two seconds is left for the next
 * address; the last has ten. The address that answered last is tried first (gate_service.c), so
 * that a dead one costs its two seconds once and not each time. */
#include "gate_trip.h"

#include "base/memory.h"
#include "network/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PATIENCE = 2000, /* milliseconds for an address behind which there is another */
	PATIENCE_LAST = 10000,
};

static void leave_waiting(struct gate_trip *trip)
{
	if (!trip->at_waiting)
		return;
	*trip->at_waiting = trip->next_waiting;
	if (trip->next_waiting)
		trip->next_waiting->at_waiting = trip->at_waiting;
	trip->at_waiting = NULL;
}

static void enter_waiting(struct gate_trip *trip)
{
	struct gate_service *service = trip->service;

	trip->next_waiting = service->waiting;
	trip->at_waiting = &service->waiting;
	if (trip->next_waiting)
		trip->next_waiting->at_waiting = &trip->next_waiting;
	service->waiting = trip;
}

static void set_failure(struct gate_trip *trip, enum gate_outcome outcome, int code)
{
	trip->failure = (struct gate_report){
		.service = trip->service->index, .outcome = (uint16_t)outcome, .code = code
	};
}

/* The next attempt of a trip whose last one failed with error. */
static void resume(struct gate_trip *trip, int error);

static void on_slow_answer(void *context)
{
	resume(context, ETIMEDOUT);
}

static int dial(const struct netlink_address *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t size = address_fill(address, port, &to);
	int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int error;

	if (fd < 0)
		return -1;
	if (connect(fd, (void *)&to, size) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	(void)close(fd); /* never connected */
	errno = error;
	return -1;
}

static int dial_next(struct gate_trip *trip)
{
	struct loop *loop = trip->service->all->loop;

	while (trip->at < trip->count) {
		int fd = dial(&trip->addresses[trip->at++], trip->service->port);

		if (fd >= 0) {
			loop_after(loop, trip->at < trip->count ? PATIENCE : PATIENCE_LAST,
				on_slow_answer, trip, &trip->timer);
			return fd;
		}
		set_failure(trip, GATE_FAILED, errno);
	}
	return FLOW_NONE;
}

static void set_addresses(
	struct gate_trip *trip, const struct netlink_address *addresses, unsigned count)
{
	trip->is_known = true;
	trip->count = count;
	memcpy(trip->addresses, addresses, count * sizeof *addresses);
}

static int advance(struct gate_trip *trip, int error)
{
	struct gate_service *service = trip->service;

	loop_cancel(service->all->loop, &trip->timer);
	if (error)
		set_failure(trip, GATE_FAILED, error);
	if (!trip->is_known && service->fixed_count)
		set_addresses(trip, service->fixed, service->fixed_count);
	if (trip->is_known)
		return dial_next(trip);
	enter_waiting(trip);
	gate_look_up(service);
	return FLOW_LATER;
}

static void note_success(struct gate_trip *trip)
{
	loop_cancel(trip->service->all->loop, &trip->timer);
	trip->service->good = trip->addresses[trip->at - 1];
}

static void free_trip(struct gate_trip *trip)
{
	loop_cancel(trip->service->all->loop, &trip->timer);
	leave_waiting(trip);
	free(trip);
}

/* An app's connection. */

static int on_next(void *context, struct flow *flow, int error)
{
	struct gate_trip *trip = context;
	int fd;

	trip->flow = flow;
	fd = advance(trip, error);
	if (fd == FLOW_NONE)
		gate_report_failure(trip->service, &trip->failure);
	return fd;
}

static void on_connected(void *context)
{
	note_success(context);
}

static void on_done(void *context)
{
	struct gate_trip *trip = context;

	*trip->at_here = trip->next_here;
	if (trip->next_here)
		trip->next_here->at_here = trip->at_here;
	free_trip(trip);
}

void gate_pass(struct gate_service *service, struct accept_socket *from, struct gate_place *place,
	int client)
{
	static const struct flow_way way = { on_next, on_connected, on_done };
	struct gate_trip *trip = memory_new(1, sizeof *trip);

	trip->service = service;
	trip->fd = -1;
	trip->next_here = place->trips;
	trip->at_here = &place->trips;
	if (trip->next_here)
		trip->next_here->at_here = &trip->next_here;
	place->trips = trip;
	flow_begin(&from->table->flows, client, &way, trip, &from->held);
}

void gate_abandon(struct gate_place *place)
{
	for (struct gate_trip *trip = place->trips, *next; trip; trip = next) {
		next = trip->next_here;
		flow_abandon(trip->flow);
	}
}

void gate_reset(struct gate_place *place)
{
	while (place->trips)
		flow_reset(place->trips->flow);
}

/* A try. */

static void end_try(struct gate_trip *trip)
{
	struct gate_service *service = trip->service;

	trip->failure.service = service->index;
	trip->failure.is_try = 1;
	(void)gate_send_report(service->all, &trip->failure); /* else it is asked for again */
	service->try = NULL;
	free_trip(trip);
}

static void close_try(struct gate_trip *trip)
{
	if (trip->fd < 0)
		return;
	loop_remove(trip->service->all->loop, trip->fd);
	(void)close(trip->fd); /* nothing was said */
	trip->fd = -1;
}

static void on_tried(void *context, int fd, uint32_t events)
{
	struct gate_trip *trip = context;
	int error = 0;
	socklen_t size = sizeof error;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error) {
		resume(trip, error);
		return;
	}
	close_try(trip);
	note_success(trip);
	set_failure(trip, GATE_ANSWERS, 0);
	end_try(trip);
}

static void resume_try(struct gate_trip *trip, int error)
{
	struct error err;

	close_try(trip);
	trip->fd = advance(trip, error);
	if (trip->fd >= 0 &&
		loop_add(trip->service->all->loop, trip->fd, EPOLLOUT, on_tried, trip, &err) < 0) {
		set_failure(trip, GATE_FAILED, err.errnum);
		(void)close(trip->fd); /* nothing was said */
		trip->fd = FLOW_NONE;
	}
	if (trip->fd == FLOW_NONE)
		end_try(trip);
}

void gate_try(struct gate_service *service)
{
	if (service->try)
		return;
	service->try = memory_new(1, sizeof *service->try);
	service->try->service = service;
	service->try->fd = -1;
	resume_try(service->try, 0);
}

static void resume(struct gate_trip *trip, int error)
{
	if (trip->flow)
		flow_resume(trip->flow, error);
	else
		resume_try(trip, error);
}

/* Lets all that waited go on, with what was found or with the reason why nothing was. */
void gate_give(struct gate_service *service, const struct netlink_address *addresses,
	unsigned count, const struct gate_report *failure)
{
	struct gate_trip *trip = service->waiting, *next;

	service->waiting = NULL;
	for (; trip; trip = next) {
		next = trip->next_waiting;
		trip->at_waiting = NULL;
		trip->failure = *failure;
		set_addresses(trip, addresses, count);
		resume(trip, 0);
	}
}
