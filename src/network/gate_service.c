/* The way to a service. A trip is one connection's: it waits for the lookup of the name, which it
 * shares with all that wait at the time, then tries one address after the other. Whoever has not
 * answered in two seconds is left for the next address; the last has ten. The address that answered
 * last is tried first, so that a dead one costs its two seconds once and not each time.
 *
 * A name of another machine that resolves to this one, or to a link-local or multicast address, is
 * not followed there: its zone is somebody else's, and what listens on the host's loopback trusts
 * whoever comes (DNS rebinding). Who means this host writes localhost. */
#include "gate_service.h"

#include "base/memory.h"
#include "network/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PATIENCE = 2000, /* milliseconds for an address behind which there is another */
	PATIENCE_LAST = 10000,
	QUIET = 60000, /* between two reports of one service */
};

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

bool gate_is_looked_up(const char *host)
{
	const size_t len = strlen(host), suffix = strlen(".localhost");
	struct netlink_address ignored;

	if (address_parse(host, &ignored) || strcmp(host, "localhost") == 0)
		return 0;
	return len <= suffix || strcmp(host + len - suffix, ".localhost") != 0;
}

void gate_service_init(struct gate_services *all, size_t index, const char *host, uint16_t port)
{
	struct gate_service *service = &all->items[index];

	*service = (struct gate_service){ .all = all, .index = (uint16_t)index, .port = port };
	if (gate_is_looked_up(host))
		return;
	service->fixed_count = 1;
	if (address_parse(host, &service->fixed[0]))
		return;
	(void)address_parse("127.0.0.1", &service->fixed[0]); /* it is one */
	(void)address_parse("::1", &service->fixed[1]);       /* as above */
	service->fixed_count = 2;
}

/* Reports. */

static bool send_report(const struct gate_services *all, const struct gate_report *report)
{
	return send(all->control, report, sizeof *report, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       sizeof *report;
}

static void on_quiet_over(void *context)
{
	struct gate_service *service = context;
	struct gate_failures *failures = &service->failures;

	if (!failures->count)
		return;
	failures->last.count = failures->count;
	if (send_report(service->all, &failures->last))
		failures->count = 0;
	loop_after(service->all->loop, QUIET, on_quiet_over, service, &failures->timer);
}

/* The first failure is told at once, what follows within a minute is counted. */
static void report_failure(struct gate_service *service, const struct gate_report *failure)
{
	struct gate_failures *failures = &service->failures;

	failures->last = *failure;
	if (failures->timer || !send_report(service->all, &failures->last))
		failures->count++;
	if (!failures->timer)
		loop_after(service->all->loop, QUIET, on_quiet_over, service, &failures->timer);
}

/* Trips. */

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

/* Asks the resolver, unless that was done and it has not answered yet. */
static void look_up(struct gate_service *service);

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
	look_up(service);
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
		report_failure(trip->service, &trip->failure);
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

void gate_pass(struct gate_service *service, struct flow_table *flows, struct gate_place *place,
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
	flow_begin(flows, client, &way, trip);
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
	(void)send_report(service->all, &trip->failure); /* else it is asked for again */
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

/* Lookups. */

/* Lets all that waited go on, with what was found or with the reason why nothing was. */
static void give(struct gate_service *service, const struct netlink_address *addresses,
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

static void on_slow_lookup(void *context)
{
	struct gate_service *service = context;
	const struct gate_report slow = { .service = service->index, .outcome = GATE_SLOW };

	give(service, service->fixed, 0, &slow);
}

static void look_up(struct gate_service *service)
{
	struct gate_question question = { ++service->sequence, service->index };

	if (service->lookup) {
		service->sequence--;
		return;
	}
	/* Where it cannot be asked its answer is late. */
	(void)send(service->all->resolver, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT);
	loop_after(service->all->loop, GATE_LOOKUP * 1000 + 500, on_slow_lookup, service,
		&service->lookup);
}

static bool is_same(const struct netlink_address *a, const struct netlink_address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == AF_INET6 ? 16 : 4) == 0;
}

/* An IPv4 address within an IPv6 one is an IPv4 address. */
static struct netlink_address unwrap(const struct netlink_address *address)
{
	struct netlink_address inner = { .family = AF_INET };

	if (address->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6))
		return *address;
	memcpy(inner.bytes, address->bytes + 12, 4);
	return inner;
}

/* Drops what is refused, which ends up in *ret_odd, and puts the good one first. */
static unsigned choose(const struct gate_service *service, struct gate_answer *answer,
	struct netlink_address *ret_odd)
{
	struct netlink_address *addresses = answer->addresses;
	unsigned count = 0;

	for (unsigned i = 0; i < answer->count && i < GATE_ADDRESSES; i++) {
		const struct netlink_address address = unwrap(&addresses[i]);

		if (address.family != AF_INET && address.family != AF_INET6)
			continue;
		if (address_is_odd(&address)) {
			*ret_odd = address;
			continue;
		}
		if (is_same(&address, &service->good)) {
			memmove(addresses + 1, addresses, count * sizeof *addresses);
			addresses[0] = address;
		} else {
			addresses[count] = address;
		}
		count++;
	}
	return count;
}

int gate_read_answer(struct gate_services *all)
{
	struct gate_answer answer;
	struct gate_report failure = { .outcome = GATE_UNRESOLVED };
	struct gate_service *service;
	ssize_t got = recv(all->resolver, &answer, sizeof answer, MSG_DONTWAIT);
	unsigned count;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got != sizeof answer)
		return -1;
	service = answer.to.service < all->count ? &all->items[answer.to.service] : NULL;
	if (!service || !service->lookup || answer.to.sequence != service->sequence)
		return 0; /* it came too late */
	loop_cancel(all->loop, &service->lookup);
	failure.service = service->index;
	failure.code = answer.code ? answer.code : EAI_NONAME;
	count = choose(service, &answer, &failure.address);
	if (failure.address.family)
		failure.outcome = GATE_REBOUND;
	give(service, answer.addresses, count, &failure);
	return 0;
}
