/* One connection that is passed on: a client, a server, and what is under way between them.
 *
 * Bytes go socket to pipe to socket by splice(2); only what fits a small buffer is copied through
 * this process's memory, which looks at none of it. A direction takes a pipe only while it has
 * bytes that the other side did not take yet; so ten thousand idle connections cost two descriptors
 * each, and a stalled reader holds one pipe and nobody else. A direction reads again only when its
 * pipe is empty: that is the back pressure.
 *
 * An end of file is passed on as one (shutdown), a reset as a reset; the connection ends when both
 * directions have. Nothing here waits, and nothing times out: an idle connection is a good one. */
#include "flow.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CLIENT,
	SERVER,
	CHUNK = 1 << 20,
	PIPE_SIZE = 1 << 18,
	MUCH = 1 << 16,
	SMALL = PIPE_BUF, /* what an empty pipe takes in one piece, however small it is */
	ROUNDS = 16,      /* of one direction, before others get their turn */
};

struct side {
	int fd;
	bool ended; /* it sent its end of file, and that was read */
	bool told;  /* it was sent the other's end of file */
	bool hung;  /* epoll reports a hang-up, which it would repeat for ever */
	bool is_watched;
	uint32_t events;
};

/* Bytes from sides[i] to the other. */
struct stream {
	int pipe[2]; /* -1: none */
	size_t pending;
	bool is_bulk; /* it came in more than a small piece at last */
};

struct flow {
	struct flow_table *table;
	struct side sides[2];
	struct stream streams[2];
	bool is_connected;
	bool is_abandoned; /* nobody reads what goes to the client */
	const struct flow_way *way;
	void *trip;
	unsigned *held; /* may be NULL */
};

static void on_event(void *context, int fd, uint32_t events);

static bool take_pipe(struct flow_table *table, struct stream *stream)
{
	if (stream->pipe[0] >= 0)
		return true;
	if (table->pipe_count) {
		table->pipe_count--;
		stream->pipe[0] = table->pipes[table->pipe_count][0];
		stream->pipe[1] = table->pipes[table->pipe_count][1];
		return true;
	}
	if (pipe2(stream->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		stream->pipe[0] = stream->pipe[1] = -1;
		return false;
	}
	(void)fcntl(stream->pipe[0], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is only slower */
	return true;
}

static void give_pipe(struct flow_table *table, struct stream *stream)
{
	if (stream->pipe[0] < 0)
		return;
	if (!stream->pending && table->pipe_count < FLOW_PIPES) {
		table->pipes[table->pipe_count][0] = stream->pipe[0];
		table->pipes[table->pipe_count][1] = stream->pipe[1];
		table->pipe_count++;
	} else {
		(void)close(stream->pipe[0]); /* a pipe has nothing to lose by closing */
		(void)close(stream->pipe[1]); /* as above */
	}
	stream->pipe[0] = stream->pipe[1] = -1;
	stream->pending = 0;
}

static void close_side(struct flow *flow, struct side *side, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (side->fd < 0)
		return;
	loop_remove(flow->table->loop, side->fd);
	if (reset)
		(void)setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* RST */
	(void)close(side->fd); /* what could be delivered was */
}

static void end(struct flow *flow, bool reset)
{
	struct flow_table *table = flow->table;

	for (int i = 0; i < 2; i++) {
		/* What was said to its end has to arrive. */
		close_side(flow, &flow->sides[i], reset && !flow->sides[i].told);
		give_pipe(table, &flow->streams[i]);
	}
	flow->way->done(flow->trip);
	if (flow->held)
		(*flow->held)--;
	free(flow);
	table->count--;
	table->on_free(table->context);
}

/* Passes the end of file on. */
static void tell(struct flow *flow, int from)
{
	struct side *to = &flow->sides[!from];

	if (to->told)
		return;
	(void)shutdown(to->fd, SHUT_WR); /* a dead one shows at its next event */
	to->told = true;
}

enum progress { MOVED, BLOCKED, BROKEN };

static enum progress fill(struct flow *flow, int from)
{
	struct stream *stream = &flow->streams[from];
	ssize_t got;

	if (!take_pipe(flow->table, stream))
		return BROKEN;
	got = splice(flow->sides[from].fd, NULL, stream->pipe[1], NULL, CHUNK,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (got > 0)
		stream->pending = (size_t)got;
	else if (got == 0)
		flow->sides[from].ended = true;
	else if (errno == EAGAIN)
		return BLOCKED;
	else if (errno != EINTR)
		return BROKEN;
	return MOVED;
}

/* Bytes that could not be sent at once go the way of the others. */
static bool keep(struct flow *flow, struct stream *stream, const char *bytes, size_t size)
{
	if (!take_pipe(flow->table, stream) || write(stream->pipe[1], bytes, size) != (ssize_t)size)
		return false;
	stream->pending = size;
	return true;
}

/* Moves a message that is small by copying it, which is less work than to lend its pages. */
static enum progress copy(struct flow *flow, int from)
{
	struct stream *stream = &flow->streams[from];
	char bytes[SMALL];
	ssize_t got = recv(flow->sides[from].fd, bytes, sizeof bytes, MSG_DONTWAIT), put;

	if (got < 0 && errno != EINTR)
		return errno == EAGAIN ? BLOCKED : BROKEN;
	if (got < 0)
		return MOVED;
	stream->is_bulk = got == sizeof bytes;
	if (got == 0) {
		flow->sides[from].ended = true;
		return MOVED;
	}
	put = send(flow->sides[!from].fd, bytes, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (put < 0 && errno != EAGAIN && errno != EINTR)
		return BROKEN;
	if (put < 0)
		put = 0;
	if (put < got && !keep(flow, stream, bytes + put, (size_t)(got - put)))
		return BROKEN;
	return MOVED;
}

static enum progress drain(struct flow *flow, int from)
{
	struct stream *stream = &flow->streams[from];
	ssize_t put = splice(stream->pipe[0], NULL, flow->sides[!from].fd, NULL, stream->pending,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (put > 0)
		stream->pending -= (size_t)put;
	else if (put < 0 && errno == EAGAIN)
		return BLOCKED;
	else if (put == 0 || errno != EINTR)
		return BROKEN;
	return MOVED;
}

/* Moves what can be moved from one side to the other; false: the connection is broken. What was
 * less than a pipe takes was most likely all there is: epoll says if not, which costs less than to
 * ask for the end of every small message. */
static bool pump(struct flow *flow, int from)
{
	struct stream *stream = &flow->streams[from];
	enum progress progress = MOVED;
	bool has_more = true;

	for (int i = 0; i < ROUNDS && progress == MOVED; i++) {
		if (stream->pending) {
			progress = drain(flow, from);
		} else if (flow->sides[from].ended || !has_more) {
			break;
		} else if (!stream->is_bulk) {
			progress = copy(flow, from);
			has_more = stream->is_bulk;
		} else {
			progress = fill(flow, from);
			has_more = stream->pending >= MUCH;
			stream->is_bulk = stream->pending > SMALL;
		}
	}
	if (!stream->pending)
		give_pipe(flow->table, stream);
	if (!stream->pending && flow->sides[from].ended)
		tell(flow, from);
	return progress != BROKEN;
}

static uint32_t wanted(const struct flow *flow, int which)
{
	uint32_t events = 0;

	if (!flow->is_connected)
		return which == SERVER ? EPOLLOUT : 0;
	if (!flow->sides[which].ended && !flow->streams[which].pending)
		events |= EPOLLIN;
	if (flow->streams[!which].pending)
		events |= EPOLLOUT;
	return events;
}

/* Tells epoll what the side waits for. One that waits for nothing stays watched, for a reset,
 * unless it is finished or would report its hang-up again and again. */
static bool watch(struct flow *flow, int which)
{
	struct side *side = &flow->sides[which];
	struct loop *loop = flow->table->loop;
	uint32_t events = wanted(flow, which);
	struct error ignored;

	if (side->fd < 0)
		return true; /* no attempt is under way */
	if (!events && (side->hung || (side->ended && side->told))) {
		loop_remove(loop, side->fd);
		side->is_watched = false;
		return true;
	}
	if (side->is_watched && side->events == events)
		return true;
	side->events = events;
	if (side->is_watched)
		return loop_change(loop, side->fd, events, &ignored) == 0;
	side->is_watched = true;
	return loop_add(loop, side->fd, events, on_event, flow, &ignored) == 0;
}

static void set_options(int fd)
{
	const int on = 1;

	/* Each only matters for speed, or for peers that vanish. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Starts the next attempt to reach the server, after one that failed with error (0: none did);
 * false: there is none left. */
static bool connect_server(struct flow *flow, int error)
{
	struct side *side = &flow->sides[SERVER];
	int fd;

	if (side->fd >= 0) {
		loop_remove(flow->table->loop, side->fd);
		(void)close(side->fd); /* never connected */
		*side = (struct side){ .fd = -1 };
	}
	fd = flow->way->next(flow->trip, flow, error);
	if (fd >= 0)
		side->fd = fd;
	return fd != FLOW_NONE;
}

static bool finish_connecting(struct flow *flow)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (getsockopt(flow->sides[SERVER].fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		return connect_server(flow, error);
	set_options(flow->sides[SERVER].fd);
	flow->is_connected = true;
	if (flow->way->connected)
		flow->way->connected(flow->trip);
	return true;
}

static bool is_over(const struct flow *flow)
{
	return flow->sides[SERVER].told && (flow->sides[CLIENT].told || flow->is_abandoned);
}

/* What follows from what has happened to a flow that is sound or not. */
static void settle(struct flow *flow, bool is_sound)
{
	if (!is_sound)
		end(flow, true);
	else if (is_over(flow))
		end(flow, false);
	else if (!watch(flow, CLIENT) || !watch(flow, SERVER))
		end(flow, true);
}

static void on_event(void *context, int fd, uint32_t events)
{
	struct flow *flow = context;
	const int which = fd == flow->sides[SERVER].fd ? SERVER : CLIENT;
	bool is_sound = true;

	if (which == SERVER && !flow->is_connected) {
		is_sound = finish_connecting(flow); /* a refused attempt hangs up too */
		events = EPOLLIN | EPOLLOUT;
	} else {
		flow->sides[which].hung = flow->sides[which].hung || events & EPOLLHUP;
		is_sound = !(events & EPOLLERR);
	}
	if (is_sound && flow->is_connected && events & (EPOLLIN | EPOLLHUP))
		is_sound = pump(flow, which);
	if (is_sound && flow->is_connected && events & (EPOLLOUT | EPOLLHUP))
		is_sound = pump(flow, !which);
	settle(flow, is_sound);
}

void flow_begin(struct flow_table *table, int client, const struct flow_way *way, void *trip,
	unsigned *held)
{
	struct flow *flow = memory_new(1, sizeof *flow);

	flow->table = table;
	flow->way = way;
	flow->trip = trip;
	flow->sides[CLIENT].fd = client;
	flow->sides[SERVER].fd = -1;
	for (int i = 0; i < 2; i++)
		flow->streams[i].pipe[0] = flow->streams[i].pipe[1] = -1;
	flow->held = held;
	if (held)
		(*held)++;
	table->count++;
	set_options(client);
	settle(flow, connect_server(flow, 0));
}

void flow_resume(struct flow *flow, int error)
{
	settle(flow, connect_server(flow, error));
}

void flow_abandon(struct flow *flow)
{
	flow->is_abandoned = true;
	settle(flow, true);
}

void flow_reset(struct flow *flow)
{
	end(flow, true);
}
