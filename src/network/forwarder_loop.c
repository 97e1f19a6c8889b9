/* The forwarder's loop: accepts on the reserved sockets and hands connections to flow.c.
 *
 * The supervisor makes the sockets listen and stop (they are the same sockets), and says over the
 * control socket where connections go. A reserved socket that does not listen would report a
 * hang-up for ever, so it is watched only while there is somewhere to go, and dropped as soon as it
 * hangs up: the message that says so is under way then. */
#include "forwarder_loop.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPTS = 64,    /* of one listener, before others get their turn */
	DESCRIPTORS = 6, /* that a connection may take: two sockets, two pipes */
	DESCRIPTORS_OWN = 100,
	RETRY = 50, /* milliseconds, where the system as a whole ran out of something */
};

struct forwarder_loop;

struct listener {
	struct forwarder_loop *all;
	int fd;
	struct flow_target *target;
	bool is_watched;
};

struct forwarder_loop {
	struct loop *loop;
	struct flow_table flows;
	struct listener *listeners;
	size_t listener_count;
	struct flow_target *targets; /* by port */
	size_t target_count;
	struct loop_timer *retry;
};

static void on_client(void *context, int fd, uint32_t events);

/* Watches the listeners that have somewhere to go while there is room, and no others. */
static void watch_listeners(struct forwarder_loop *all)
{
	const bool has_room = all->flows.count < all->flows.max && !all->retry;
	struct error ignored;

	for (size_t i = 0; i < all->listener_count; i++) {
		struct listener *listener = &all->listeners[i];
		const bool is_wanted = has_room && listener->target->slot_count;

		if (is_wanted && !listener->is_watched)
			listener->is_watched = loop_add(all->loop, listener->fd, EPOLLIN, on_client,
						       listener, &ignored) == 0;
		else if (!is_wanted && listener->is_watched)
			loop_remove(all->loop, listener->fd);
		listener->is_watched = listener->is_watched && is_wanted;
	}
}

static void on_retry(void *context)
{
	watch_listeners(context);
}

static void on_flow_end(void *context)
{
	struct forwarder_loop *all = context;

	if (all->flows.count == all->flows.max - 1)
		watch_listeners(all);
}

/* Accepts one; false: no more for now. */
static bool accept_client(struct listener *listener)
{
	struct forwarder_loop *all = listener->all;
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	const int on = 1;
	int client = accept4(listener->fd, (void *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (client < 0 && (errno == ECONNABORTED || errno == EINTR))
		return true;
	if (client < 0 &&
		(errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		loop_after(all->loop, RETRY, on_retry, all, &all->retry);
	if (client < 0)
		return false;
	/* So that what stays of it in TIME_WAIT lets the next run bind the port. */
	(void)setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	flow_begin(&all->flows, client, &from, listener->target);
	return all->flows.count < all->flows.max;
}

static void on_client(void *context, int fd, uint32_t events)
{
	struct listener *listener = context;

	if (events & EPOLLHUP) {
		loop_remove(listener->all->loop, fd);
		listener->is_watched = false;
		return;
	}
	for (int i = 0; i < ACCEPTS && accept_client(listener); i++)
		;
	watch_listeners(listener->all);
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
		loop_stop(all->loop); /* the supervisor is gone */
		return;
	}
	struct flow_target *target = &all->targets[message.port];

	target->inside = message.inside;
	target->slot_count = message.slot_count;
	for (size_t i = 0; i < message.slot_count; i++)
		target->slots[i] = message.slots[i];
	watch_listeners(all);
}

static unsigned count_room(void)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail */
	if (limit.rlim_cur < 2 * DESCRIPTORS_OWN)
		return DESCRIPTORS;
	if (limit.rlim_cur > 1 << 20)
		limit.rlim_cur = 1 << 20;
	return (unsigned)(limit.rlim_cur - DESCRIPTORS_OWN) / DESCRIPTORS;
}

static void add_listeners(struct forwarder_loop *all, const struct reserve *reserves, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reserves[i].port >= all->target_count)
			all->target_count = reserves[i].port + 1;
	all->targets = memory_new(all->target_count, sizeof *all->targets);
	all->listeners = memory_new(count, sizeof *all->listeners);
	all->listener_count = count;
	for (size_t i = 0; i < count; i++)
		all->listeners[i] = (struct listener){
			.all = all,
			.fd = reserves[i].fd,
			.target = &all->targets[reserves[i].port],
		};
}

int forwarder_run(
	const struct reserve *reserves, size_t count, int control, bool ipv6, struct error *err)
{
	struct forwarder_loop all = { 0 };

	if (loop_new(&all.loop, err) < 0)
		return -1;
	all.flows = (struct flow_table){
		.loop = all.loop,
		.max = count_room(),
		.ipv6 = ipv6,
		.on_free = on_flow_end,
		.context = &all,
	};
	add_listeners(&all, reserves, count);
	if (loop_add(all.loop, control, EPOLLIN, on_control, &all, err) < 0)
		return -1;
	return loop_run(all.loop, err); /* the process ends behind it: nothing is freed */
}
