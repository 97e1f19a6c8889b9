/* The way of datagrams. Each pair of a socket inside and an end outside is a flow, which has a
 * connected socket of its own here: so an answer is known to be one, and goes back as if from
 * there.
 *
 * Nobody says when a flow is over. It ends when nothing has passed for a while, sooner if nothing
 * ever came back, or when another needs its room: a namespace has some flows, all together have
 * some more, and whoever has most gives up the one that was used last longest ago. */
#include "egress_datagram.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FLOWS_HERE = 256, /* of one namespace */
	FLOWS = 1024,     /* of all */
	ROUND = 64,       /* datagrams, before others get their turn */
	SWEEP = 5000,     /* milliseconds */
	UNANSWERED = 30000,
	ANSWERED = 180000,
	PATIENCE = 1000, /* with a name server, when the app asks again */
};

struct datagram_flow {
	struct datagrams *all;
	struct datagram_flow *previous, *next;
	struct egress_end from, to;
	int fd;
	unsigned attempt;    /* of egress_aim */
	uint64_t used, sent; /* sent: what is first of all that was not answered */
	bool is_waiting, is_answered;
};

/* The list. */

static void unlink_flow(struct datagram_flow *flow)
{
	struct datagrams *all = flow->all;

	*(flow->previous ? &flow->previous->next : &all->first) = flow->next;
	*(flow->next ? &flow->next->previous : &all->last) = flow->previous;
}

static void put_first(struct datagram_flow *flow)
{
	struct datagrams *all = flow->all;

	flow->previous = NULL;
	flow->next = all->first;
	*(flow->next ? &flow->next->previous : &all->last) = flow;
	all->first = flow;
}

static void touch(struct datagram_flow *flow)
{
	flow->used = clock_now();
	if (!flow->previous)
		return;
	unlink_flow(flow);
	put_first(flow);
}

static struct loop *loop_of(const struct datagrams *all)
{
	return all->egress->accepts->loop;
}

static void end_flow(struct datagram_flow *flow)
{
	struct datagrams *all = flow->all;

	unlink_flow(flow);
	loop_remove(loop_of(all), flow->fd);
	(void)close(flow->fd); /* a datagram is sent or not */
	free(flow);
	all->count--;
	all->egress->datagram_count--;
	if (!all->first)
		loop_cancel(loop_of(all), &all->sweep);
}

static void on_sweep(void *context)
{
	struct datagrams *all = context;
	const uint64_t now = clock_now();

	for (struct datagram_flow *flow = all->last, *previous; flow; flow = previous) {
		previous = flow->previous;
		if (now - flow->used >= (flow->is_answered ? ANSWERED : UNANSWERED))
			end_flow(flow);
	}
	if (all->first)
		loop_after(loop_of(all), SWEEP, on_sweep, all, &all->sweep);
}

static void make_room(struct datagrams *all)
{
	struct datagrams *most = all;

	if (all->egress->datagram_count >= FLOWS) {
		for (struct datagrams *one = all->egress->datagrams; one; one = one->next)
			most = one->count > most->count ? one : most;
		end_flow(most->last);
	} else if (all->count >= FLOWS_HERE) {
		end_flow(all->last);
	}
}

/* Back. */

static int raw_of(const struct datagram_flow *flow)
{
	return flow->all->raw[flow->from.address.family == AF_INET6];
}

static void send_back(const struct datagram_flow *flow, const struct iovec *parts, size_t count)
{
	const struct egress_end end = { .address = flow->from.address }; /* raw: no port */
	struct sockaddr_storage to;
	const struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = egress_end_fill(&end, &to),
		.msg_iov = (void *)parts,
		.msg_iovlen = count,
	};

	(void)sendmsg(raw_of(flow), &message, MSG_DONTWAIT); /* a datagram may get lost */
}

static void answer(const struct datagram_flow *flow, size_t len)
{
	uint8_t *payload = flow->all->egress->datagram;
	uint8_t head[EGRESS_PACKET_HEAD];
	const struct iovec parts[] = {
		{ head, egress_packet(&flow->to, &flow->from, payload, len, head) },
		{ payload, len },
	};

	send_back(flow, parts, 2);
}

static void refuse(const struct datagram_flow *flow)
{
	uint8_t packet[EGRESS_REFUSAL];
	const struct iovec part = { packet, egress_refusal(&flow->from, &flow->to, packet) };

	send_back(flow, &part, 1);
}

static bool read_answer(struct datagram_flow *flow)
{
	struct egress *egress = flow->all->egress;
	ssize_t got = recv(flow->fd, egress->datagram, EGRESS_PAYLOAD, MSG_DONTWAIT);

	if (got >= 0) {
		flow->is_answered = true;
		flow->is_waiting = false;
		if (flow->attempt)
			egress->names.good =
				(egress->names.good + flow->attempt) % egress->names.count;
		flow->attempt = 0;
		answer(flow, (size_t)got);
		return true;
	}
	if (errno == ECONNREFUSED)
		refuse(flow);
	return errno == EINTR || errno == ECONNREFUSED;
}

static void on_answer(void *context, int fd, uint32_t events)
{
	struct datagram_flow *flow = context;

	(void)fd, (void)events;
	touch(flow);
	for (int i = 0; i < ROUND && read_answer(flow); i++)
		;
}

/* There. */

/* Connects the flow's socket, which is of the family that the way there has. */
static int connect_flow(struct datagram_flow *flow)
{
	struct egress_end to;
	struct sockaddr_storage name;
	socklen_t size;

	if (!egress_aim(flow->all->egress, &flow->to, flow->attempt, &to)) {
		errno = EHOSTUNREACH;
		return -1;
	}
	size = egress_end_fill(&to, &name);
	if (flow->fd >= 0)
		(void)close(flow->fd); /* a datagram is sent or not */
	flow->fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return flow->fd < 0 ? -1 : connect(flow->fd, (void *)&name, size);
}

static struct datagram_flow *begin_flow(
	struct datagrams *all, const struct egress_end *from, const struct egress_end *to)
{
	struct datagram_flow *flow = memory_new(1, sizeof *flow);
	struct error ignored;

	*flow = (struct datagram_flow){ .all = all, .from = *from, .to = *to, .fd = -1 };
	make_room(all);
	if (connect_flow(flow) < 0 ||
		loop_add(loop_of(all), flow->fd, EPOLLIN, on_answer, flow, &ignored) < 0) {
		refuse(flow);
		if (flow->fd >= 0)
			(void)close(flow->fd); /* nothing was sent */
		free(flow);
		return NULL;
	}
	put_first(flow);
	all->count++;
	all->egress->datagram_count++;
	if (!all->sweep)
		loop_after(loop_of(all), SWEEP, on_sweep, all, &all->sweep);
	return flow;
}

static struct datagram_flow *find_flow(
	struct datagrams *all, const struct egress_end *from, const struct egress_end *to)
{
	for (struct datagram_flow *flow = all->first; flow; flow = flow->next)
		if (egress_end_is(&flow->from, from) && egress_end_is(&flow->to, to))
			return flow;
	return NULL;
}

/* An app that asks again was not answered: where there is another name server, it is that one's
 * turn. False: the flow is over. */
static bool turn(struct datagram_flow *flow, uint64_t now)
{
	struct egress_end ignored;
	struct error err;

	if (!flow->is_waiting || now - flow->sent < PATIENCE ||
		!egress_aim(flow->all->egress, &flow->to, flow->attempt + 1, &ignored))
		return true;
	flow->attempt++;
	flow->is_waiting = false;
	loop_remove(loop_of(flow->all), flow->fd);
	return connect_flow(flow) == 0 &&
	       loop_add(loop_of(flow->all), flow->fd, EPOLLIN, on_answer, flow, &err) == 0;
}

static void pass(struct datagrams *all, const struct egress_end *from, const struct egress_end *to,
	size_t len)
{
	struct datagram_flow *flow = find_flow(all, from, to);
	const uint64_t now = clock_now();

	if (flow && !turn(flow, now)) {
		end_flow(flow);
		return;
	}
	if (!flow)
		flow = begin_flow(all, from, to);
	if (!flow)
		return;
	touch(flow);
	if (!flow->is_waiting)
		flow->sent = now;
	flow->is_waiting = true;
	/* The error of an earlier one is told here, once; on_answer would not see it any more. */
	if (send(flow->fd, all->egress->datagram, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		errno == ECONNREFUSED) {
		refuse(flow);
		(void)send(flow->fd, all->egress->datagram, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* Where it was to go, which is not where it was heard. */
static bool read_end(struct msghdr *message, struct egress_end *ret)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		struct sockaddr_storage name = { 0 };

		if (at->cmsg_level == SOL_IP && at->cmsg_type == IP_ORIGDSTADDR)
			memcpy(&name, CMSG_DATA(at), sizeof(struct sockaddr_in));
		else if (at->cmsg_level == SOL_IPV6 && at->cmsg_type == IPV6_ORIGDSTADDR)
			memcpy(&name, CMSG_DATA(at), sizeof(struct sockaddr_in6));
		else
			continue;
		egress_end_read(&name, ret);
		return true;
	}
	return false;
}

/* False: there is none. */
static bool hear(struct datagrams *all, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[256];
	} extra;
	struct sockaddr_storage name;
	struct iovec body = { all->egress->datagram, EGRESS_PAYLOAD };
	struct msghdr message = {
		.msg_name = &name,
		.msg_namelen = sizeof name,
		.msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = &extra,
		.msg_controllen = sizeof extra,
	};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
	struct egress_end from, to;

	if (got < 0)
		return errno == EINTR;
	egress_end_read(&name, &from);
	if (read_end(&message, &to) && to.address.family == from.address.family)
		pass(all, &from, &to, (size_t)got);
	return true;
}

static void on_heard(void *context, int fd, uint32_t events)
{
	(void)events;
	for (int i = 0; i < ROUND && hear(context, fd); i++)
		;
}

void datagrams_begin(struct datagrams *all)
{
	struct error ignored;

	for (int i = 0; i < 2; i++)
		if (all->heard[i] >= 0) /* else out of kernel memory: it hears nothing */
			(void)loop_add(
				loop_of(all), all->heard[i], EPOLLIN, on_heard, all, &ignored);
	all->next = all->egress->datagrams;
	all->at = &all->egress->datagrams;
	if (all->next)
		all->next->at = &all->next;
	all->egress->datagrams = all;
}

void datagrams_end(struct datagrams *all)
{
	while (all->first)
		end_flow(all->first);
	for (int i = 0; i < 2; i++) {
		if (all->heard[i] < 0)
			continue;
		loop_remove(loop_of(all), all->heard[i]);
		(void)close(all->heard[i]); /* who sent it is dead */
		(void)close(all->raw[i]);   /* as above */
	}
	*all->at = all->next;
	if (all->next)
		all->next->at = all->at;
}
