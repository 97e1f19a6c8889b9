/* Accepting clients, no more than there are descriptors for, and of no socket so many that others
 * find nothing: one is accepted only while its socket holds fewer than are still free. So one that
 * takes what it can get has half, two have a third each, and there is room for who has little. A
 * socket without room is left alone, and clients wait in its queue. */
#include "accept.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum {
	ACCEPTS = 64,    /* of one socket, before others get their turn */
	DESCRIPTORS = 6, /* that a connection may take: two sockets, two pipes */
	RETRY = 50,      /* milliseconds, where the system as a whole ran out of something */
	MANY = 1 << 20,
};

static void on_client(void *context, int fd, uint32_t events);

static bool has_room(const struct accept_socket *socket)
{
	const struct flow_table *flows = &socket->table->flows;

	return flows->count < flows->max && socket->held < flows->max - flows->count &&
	       !socket->table->retry;
}

static void set_paused(struct accept_socket *socket, bool is_paused)
{
	if (is_paused && !socket->is_paused)
		socket->table->paused++;
	else if (!is_paused && socket->is_paused)
		socket->table->paused--;
	socket->is_paused = is_paused;
}

static void watch(struct accept_socket *socket)
{
	const bool is_wanted = socket->is_wanted && has_room(socket);
	struct loop *loop = socket->table->loop;
	struct error ignored;

	set_paused(socket, socket->is_wanted && !is_wanted);
	if (is_wanted && !socket->is_watched)
		socket->is_watched =
			loop_add(loop, socket->fd, EPOLLIN, on_client, socket, &ignored) == 0;
	else if (!is_wanted && socket->is_watched)
		loop_remove(loop, socket->fd);
	socket->is_watched = socket->is_watched && is_wanted;
}

static void watch_all(struct accept_table *table)
{
	for (struct accept_socket *socket = table->first; socket; socket = socket->next)
		watch(socket);
}

static void on_retry(void *context)
{
	watch_all(context);
}

static void on_flow_end(void *context)
{
	struct accept_table *table = context;

	if (table->paused)
		watch_all(table);
}

/* Accepts one; false: no more for now. */
static bool accept_client(struct accept_socket *socket)
{
	struct accept_table *table = socket->table;
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	const int on = 1;
	int client = accept4(socket->fd, (void *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (client < 0 && (errno == ECONNABORTED || errno == EINTR))
		return true;
	if (client < 0 &&
		(errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		loop_after(table->loop, RETRY, on_retry, table, &table->retry);
	if (client < 0)
		return false;
	/* So that what stays of it in TIME_WAIT lets the next run bind the port. */
	(void)setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	socket->call(socket, client, &from);
	return true;
}

static void on_client(void *context, int fd, uint32_t events)
{
	struct accept_socket *socket = context;

	if (events & EPOLLHUP) {
		loop_remove(socket->table->loop, fd);
		socket->is_watched = false;
		return;
	}
	for (int i = 0; i < ACCEPTS && has_room(socket) && accept_client(socket); i++)
		;
	if (has_room(socket))
		return;
	if (socket->crowded && !socket->table->retry)
		socket->crowded(socket);
	watch(socket);
}

/* Sockets that clients are accepted on take their place from connections. */
static void set_room(struct accept_table *table)
{
	const unsigned taken = table->reserved + table->socket_count;
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail */
	if (limit.rlim_cur > MANY)
		limit.rlim_cur = MANY;
	table->flows.max = 1;
	if (limit.rlim_cur > taken + DESCRIPTORS)
		table->flows.max = (unsigned)(limit.rlim_cur - taken) / DESCRIPTORS;
}

int accept_init(struct accept_table *table, unsigned reserved, struct error *err)
{
	*table = (struct accept_table){ .reserved = reserved };
	if (loop_new(&table->loop, err) < 0)
		return -1;
	table->flows = (struct flow_table){
		.loop = table->loop,
		.on_free = on_flow_end,
		.context = table,
	};
	set_room(table);
	return 0;
}

void accept_add(struct accept_table *table, struct accept_socket *socket)
{
	socket->table = table;
	socket->next = table->first;
	socket->at = &table->first;
	if (socket->next)
		socket->next->at = &socket->next;
	table->first = socket;
	table->socket_count++;
	set_room(table);
	watch(socket);
}

void accept_remove(struct accept_socket *socket)
{
	struct accept_table *table = socket->table;

	accept_want(socket, false);
	*socket->at = socket->next;
	if (socket->next)
		socket->next->at = socket->at;
	table->socket_count--;
	set_room(table);
	if (table->paused)
		watch_all(table);
}

void accept_want(struct accept_socket *socket, bool is_wanted)
{
	socket->is_wanted = is_wanted;
	watch(socket);
}
