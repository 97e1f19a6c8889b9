/* The gates' loop: takes listening sockets, which lie in the instances' namespaces, from the
 * supervisor, accepts on them, and passes each connection on to the service whose gate it is.
 *
 * A place that is closed lives on until its last connection is over: what an app has sent before it
 * ended is the service's. One that does not take it is given up after a while, for a connection
 * keeps the namespace that it began in. */
#include "gate_loop.h"

#include "accept.h"
#include "base/memory.h"
#include "gate_service.h"
#include "network/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DESCRIPTORS_OWN = 100,
	DESCRIPTORS_OPEN = 1500, /* with egress "open": flows of datagrams have one each */
	LINGER = 30000,          /* milliseconds to deliver what a dead place has sent */
	LINGER_END = 3000,       /* the same, when all ends */
	ROUND = 20,
};

struct gate_loop;

struct gate_socket {
	struct accept_socket accept;
	struct gate_service *service;
	struct place *place;
};

struct place {
	struct gate_loop *all;
	struct gate_place trips;
	struct egress_place *egress; /* NULL: closed */
	struct gate_socket **sockets;
	size_t socket_count;
	struct loop_timer *timer; /* armed: closed */
};

struct gate_loop {
	struct accept_table accepts;
	struct gate_services services;
	struct egress *egress;
	struct place *places[NETWORK_SLOTS];
	struct loop_timer *end, *round;
};

static void accept_one(
	struct accept_socket *accepted, int client, const struct sockaddr_storage *name)
{
	const struct gate_socket *socket = accepted->context;

	(void)name;
	gate_pass(socket->service, accepted, &socket->place->trips, client);
}

static void tell_crowd(struct accept_socket *accepted)
{
	const struct gate_socket *socket = accepted->context;

	gate_report_crowd(socket->service, accepted->held);
}

/* Places. */

static struct place *get_place(struct gate_loop *all, unsigned number)
{
	if (!all->places[number]) {
		all->places[number] = memory_new(1, sizeof(struct place));
		all->places[number]->all = all;
	}
	return all->places[number];
}

static void add_socket(struct gate_loop *all, unsigned number, unsigned service, int fd)
{
	struct place *place = get_place(all, number);
	struct gate_socket *socket = memory_new(1, sizeof *socket);

	place->sockets = memory_resize(place->sockets, place->socket_count + 1,
		sizeof *place->sockets); /* NOLINT: pointers are what it holds */
	place->sockets[place->socket_count++] = socket;
	socket->service = &all->services.items[service];
	socket->place = place;
	socket->accept = (struct accept_socket){
		.fd = fd,
		.is_wanted = true,
		.call = accept_one,
		.crowded = tell_crowd,
		.context = socket,
	};
	accept_add(&all->accepts, &socket->accept);
}

static void close_sockets(struct place *place)
{
	for (size_t i = 0; i < place->socket_count; i++) {
		accept_remove(&place->sockets[i]->accept);
		(void)close(place->sockets[i]->accept.fd); /* who waits in its queue is dead */
	}
}

/* Behind its connections, which count in its sockets. */
static void free_place(struct place *place)
{
	for (size_t i = 0; i < place->socket_count; i++)
		free(place->sockets[i]);
	free(place->sockets);
	free(place);
}

static void on_linger_over(void *context)
{
	struct place *place = context;

	gate_reset(&place->trips);
	egress_free(place->egress);
	free_place(place);
}

static void close_place(struct gate_loop *all, unsigned number)
{
	struct place *place = all->places[number];

	if (!place)
		return;
	all->places[number] = NULL;
	close_sockets(place);
	gate_abandon(&place->trips);
	if (place->egress)
		egress_close(place->egress);
	loop_after(all->accepts.loop, LINGER, on_linger_over, place, &place->timer);
}

/* Orders. */

struct received {
	struct gate_order order;
	int fds[GATE_SOCKETS];
	size_t fd_count;
};

/* 1: an order; 0: none yet; -1: the supervisor is gone or does not speak sense. */
static int receive(int control, struct received *ret)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(GATE_SOCKETS * sizeof(int))];
	} extra;
	struct iovec body = { &ret->order, sizeof ret->order };
	struct msghdr message = {
		.msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = &extra,
		.msg_controllen = sizeof extra,
	};
	ssize_t got = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;

	ret->fd_count = 0;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (header && header->cmsg_type == SCM_RIGHTS) {
		ret->fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret->fds, CMSG_DATA(header), ret->fd_count * sizeof(int));
	}
	return got == sizeof ret->order && !(message.msg_flags & MSG_CTRUNC) ? 1 : -1;
}

static bool is_sound(const struct gate_loop *all, const struct received *received)
{
	const struct gate_order *order = &received->order;

	if (order->place >= NETWORK_SLOTS || order->count > GATE_SOCKETS)
		return false;
	if (order->verb == GATE_EGRESS)
		return all->egress && order->count == received->fd_count &&
		       (order->count == EGRESS_SOCKETS || order->count == EGRESS_SOCKETS4);
	if (order->verb == GATE_OPEN && order->count != received->fd_count)
		return false;
	for (unsigned i = 0; i < order->count; i++)
		if (order->services[i] >= all->services.count)
			return false;
	return true;
}

static void obey(struct gate_loop *all, const struct received *received)
{
	const struct gate_order *order = &received->order;

	if (order->verb == GATE_CLOSE)
		close_place(all, order->place);
	if (order->verb == GATE_EGRESS)
		get_place(all, order->place)->egress =
			egress_open(all->egress, received->fds, received->fd_count);
	for (unsigned i = 0; i < order->count; i++) {
		if (order->verb == GATE_OPEN)
			add_socket(all, order->place, order->services[i], received->fds[i]);
		else if (order->verb == GATE_TRY)
			gate_try(&all->services.items[order->services[i]]);
	}
}

/* The end: the supervisor has gone, or wants it. */

static void on_time_over(void *context)
{
	loop_stop(((struct gate_loop *)context)->accepts.loop);
}

static void on_round(void *context)
{
	struct gate_loop *all = context;

	if (all->accepts.flows.count == 0)
		loop_stop(all->accepts.loop);
	else
		loop_after(all->accepts.loop, ROUND, on_round, all, &all->round);
}

static void begin_end(struct gate_loop *all)
{
	loop_remove(all->accepts.loop, all->services.control);
	for (unsigned i = 0; i < NETWORK_SLOTS; i++)
		close_place(all, i);
	loop_after(all->accepts.loop, LINGER_END, on_time_over, all, &all->end);
	on_round(all);
}

static void on_control(void *context, int fd, uint32_t events)
{
	struct gate_loop *all = context;
	struct received received;
	int got = receive(fd, &received);

	(void)events;
	if (got > 0 && is_sound(all, &received))
		obey(all, &received);
	else if (got != 0)
		begin_end(all);
}

static void on_answer(void *context, int fd, uint32_t events)
{
	struct gate_loop *all = context;

	(void)fd;
	(void)events;
	if (gate_read_answer(&all->services) < 0)
		loop_stop(all->accepts.loop); /* the supervisor sees it, and says so */
}

int gate_run(const struct gates_config *config, const struct gate_parts *parts, struct error *err)
{
	struct gate_loop *all = memory_new(1, sizeof *all);

	if (accept_init(&all->accepts, parts->egress ? DESCRIPTORS_OPEN : DESCRIPTORS_OWN, err) < 0)
		return -1;
	all->egress = parts->egress;
	if (all->egress)
		all->egress->accepts = &all->accepts;
	all->services = (struct gate_services){
		.loop = all->accepts.loop,
		.control = parts->control,
		.resolver = parts->resolver,
		.items = memory_new(config->count, sizeof *all->services.items),
		.count = config->count,
	};
	for (size_t i = 0; i < config->count; i++)
		gate_service_init(
			&all->services, i, config->services[i].host, config->services[i].port);
	if (loop_add(all->accepts.loop, parts->control, EPOLLIN, on_control, all, err) < 0)
		return -1;
	if (parts->resolver >= 0 &&
		loop_add(all->accepts.loop, parts->resolver, EPOLLIN, on_answer, all, err) < 0)
		return -1;
	return loop_run(all->accepts.loop, err); /* the process ends behind it: nothing is freed */
}
