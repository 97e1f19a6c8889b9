/* The forwarder's loop: accepts on the reserved sockets and connects clients to instances.
 *
 * The supervisor makes the sockets listen and stop (they are the same sockets), and says over the
 * control socket where connections go. A reserved socket that does not listen would report a
 * hang-up for ever, so it is watched only while there is somewhere to go, and dropped as soon as it
 * hangs up: the message that says so is under way then. */
#include "forwarder_loop.h"

#include "accept.h"
#include "base/memory.h"
#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { DESCRIPTORS_OWN = 100, ATTEMPTS = 4 };

/* Where the connections of one published port go. */
struct target {
	uint16_t inside;
	uint16_t slot_count;
	uint16_t slots[NETWORK_SLOTS];
	unsigned turn;
};

struct forwarder_loop;

struct listener {
	struct forwarder_loop *all;
	struct accept_socket socket;
	struct target *target;
};

struct forwarder_loop {
	struct accept_table accepts;
	bool ipv6;
	struct listener *listeners;
	size_t listener_count;
	struct target *targets; /* by port */
	size_t target_count;
};

/* One client's way to an instance: as the client itself where it is a remote one, else as the
 * gateway. */
struct trip {
	struct target *target;
	struct upstream_attempt attempt;
	unsigned attempts;
};

static int next_attempt(void *context, struct flow *flow, int error)
{
	struct trip *trip = context;
	struct target *target = trip->target;

	(void)flow;
	(void)error;
	while (trip->attempts++ < ATTEMPTS && target->slot_count) {
		int fd;

		/* An app that does not listen on IPv6 is tried on IPv4 before another is. */
		if (trip->attempts > 1 && upstream_is_v6(&trip->attempt))
			trip->attempt.as_gateway = true;
		else
			trip->attempt.slot = target->slots[target->turn++ % target->slot_count];
		trip->attempt.port = target->inside;
		fd = upstream_connect(&trip->attempt);
		if (fd >= 0)
			return fd;
	}
	return FLOW_NONE;
}

static void accept_one(
	struct accept_socket *socket, int client, const struct sockaddr_storage *name)
{
	static const struct flow_way way = { .next = next_attempt, .done = free };
	const struct listener *listener = socket->context;
	struct trip *trip = memory_new(1, sizeof *trip);

	trip->target = listener->target;
	upstream_prepare(&trip->attempt, name, listener->all->ipv6);
	flow_begin(&socket->table->flows, client, &way, trip, NULL);
}

/* Watches the listeners that have somewhere to go. */
static void want_listeners(struct forwarder_loop *all)
{
	for (size_t i = 0; i < all->listener_count; i++)
		accept_want(&all->listeners[i].socket, all->listeners[i].target->slot_count > 0);
}

static void on_control(void *context, int fd, uint32_t events)
{
	struct forwarder_loop *all = context;
	struct forwarder_message message;
	ssize_t got = recv(fd, &message, sizeof message, MSG_DONTWAIT);

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got != sizeof message || message.port >= all->target_count) {
		loop_stop(all->accepts.loop); /* the supervisor is gone */
		return;
	}
	struct target *target = &all->targets[message.port];

	target->inside = message.inside;
	target->slot_count = message.slot_count;
	for (size_t i = 0; i < message.slot_count; i++)
		target->slots[i] = message.slots[i];
	want_listeners(all);
}

static void add_listeners(struct forwarder_loop *all, const struct reserve *reserves, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reserves[i].port >= all->target_count)
			all->target_count = reserves[i].port + 1;
	all->targets = memory_new(all->target_count, sizeof *all->targets);
	all->listeners = memory_new(count, sizeof *all->listeners);
	all->listener_count = count;
	for (size_t i = 0; i < count; i++) {
		struct listener *listener = &all->listeners[i];

		listener->all = all;
		listener->target = &all->targets[reserves[i].port];
		listener->socket = (struct accept_socket){
			.fd = reserves[i].fd, .call = accept_one, .context = listener
		};
		accept_add(&all->accepts, &listener->socket);
	}
}

int forwarder_run(
	const struct reserve *reserves, size_t count, int control, bool ipv6, struct error *err)
{
	struct forwarder_loop all = { .ipv6 = ipv6 };

	if (accept_init(&all.accepts, DESCRIPTORS_OWN, err) < 0)
		return -1;
	add_listeners(&all, reserves, count);
	if (loop_add(all.accepts.loop, control, EPOLLIN, on_control, &all, err) < 0)
		return -1;
	return loop_run(all.accepts.loop, err); /* the process ends behind it: nothing is freed */
}
