/* The way of connections. Each was accepted under the address that the app connects to, which is
 * therefore the name of the accepted socket: nothing has to be told. So the app is connected before
 * the other end is: what cannot be reached is a reset to it. */
#include "egress.h"

#include "base/memory.h"
#include "egress_datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE = 30000 }; /* milliseconds for one end to answer */

struct egress_trip {
	struct egress_place *place;
	struct flow *flow;
	struct egress_end to;
	unsigned attempts;
	struct loop_timer *timer; /* armed: connecting */
	struct egress_trip *next, **at;
};

struct egress_place {
	struct egress *egress;
	struct egress_trip *trips;
	struct accept_socket accepts[2]; /* IPv4, IPv6; fd -1: none */
	struct datagrams datagrams;
	bool is_closed;
};

static int dial(const struct egress_end *to)
{
	struct sockaddr_storage name;
	socklen_t size = egress_end_fill(to, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	if (connect(fd, (void *)&name, size) == 0 || errno == EINPROGRESS)
		return fd;
	(void)close(fd); /* never connected */
	return -1;
}

static void on_slow_answer(void *context)
{
	flow_resume(((struct egress_trip *)context)->flow, ETIMEDOUT);
}

static struct loop *loop_of(const struct egress_trip *trip)
{
	return trip->place->egress->accepts->loop;
}

static int on_next(void *context, struct flow *flow, int error)
{
	struct egress_trip *trip = context;
	struct egress_end to;
	int fd = -1;

	(void)error;
	trip->flow = flow;
	while (fd < 0 && egress_aim(trip->place->egress, &trip->to, trip->attempts, &to)) {
		trip->attempts++;
		fd = dial(&to);
	}
	if (fd < 0)
		return FLOW_NONE;
	loop_after(loop_of(trip), PATIENCE, on_slow_answer, trip, &trip->timer);
	return fd;
}

static void on_connected(void *context)
{
	struct egress_trip *trip = context;

	loop_cancel(loop_of(trip), &trip->timer);
}

static void on_done(void *context)
{
	struct egress_trip *trip = context;

	loop_cancel(loop_of(trip), &trip->timer);
	*trip->at = trip->next;
	if (trip->next)
		trip->next->at = trip->at;
	free(trip);
}

static void pass(struct accept_socket *accepted, int client, const struct sockaddr_storage *from)
{
	static const struct flow_way way = { on_next, on_connected, on_done };
	struct egress_place *place = accepted->context;
	struct egress_trip *trip = memory_new(1, sizeof *trip);
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof name;

	(void)from;
	(void)getsockname(client, (void *)&name, &size); /* cannot fail; else it is barred */
	egress_end_read(&name, &trip->to);
	trip->place = place;
	trip->next = place->trips;
	trip->at = &place->trips;
	if (trip->next)
		trip->next->at = &trip->next;
	place->trips = trip;
	flow_begin(&accepted->table->flows, client, &way, trip, &accepted->held);
}

struct egress *egress_new(const char *range)
{
	struct egress *egress = memory_new(1, sizeof *egress);
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;

	(void)address_range_parse(range, &egress->own, &ignored); /* it was sound before */
	egress_names_read(&text);
	egress_names_parse(text.data, &egress->names);
	return egress;
}

struct egress_place *egress_open(struct egress *egress, const int *sockets, size_t count)
{
	struct egress_place *place = memory_new(1, sizeof *place);

	place->egress = egress;
	place->datagrams = (struct datagrams){ .egress = egress };
	for (size_t i = 0; i < 2; i++) {
		const bool is_there = EGRESS_SOCKETS4 * i < count;
		const int *here = sockets + EGRESS_SOCKETS4 * i;

		place->datagrams.heard[i] = is_there ? here[EGRESS_UDP4] : -1;
		place->datagrams.raw[i] = is_there ? here[EGRESS_RAW4] : -1;
		place->accepts[i] = (struct accept_socket){
			.fd = is_there ? here[EGRESS_TCP4] : -1,
			.is_wanted = true,
			.call = pass,
			.context = place,
		};
		if (is_there)
			accept_add(egress->accepts, &place->accepts[i]);
	}
	datagrams_begin(&place->datagrams);
	return place;
}

void egress_close(struct egress_place *place)
{
	for (size_t i = 0; i < 2; i++) {
		if (place->accepts[i].fd < 0)
			continue;
		accept_remove(&place->accepts[i]);
		(void)close(place->accepts[i].fd); /* who waits in its queue is dead */
	}
	datagrams_end(&place->datagrams);
	place->is_closed = true;
	for (struct egress_trip *trip = place->trips, *next; trip; trip = next) {
		next = trip->next;
		flow_abandon(trip->flow);
	}
}

void egress_free(struct egress_place *place)
{
	if (!place)
		return;
	if (!place->is_closed)
		egress_close(place);
	while (place->trips)
		flow_reset(place->trips->flow);
	free(place);
}
