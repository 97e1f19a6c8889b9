/* The event loop: a table of watched descriptors indexed by number, and a list of timers sorted by
 * due time whose first entry bounds epoll_wait.
 *
 * A callback may remove any source, also one whose event was already fetched in this round: the
 * table entry is cleared, and an event is delivered only to an entry whose generation still is the
 * one that epoll was told. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_A_ROUND = 64 };

struct source {
	loop_on_fd *call; /* NULL: not watched */
	void *context;
	uint32_t generation;
};

struct loop_timer {
	uint64_t due;
	loop_on_time *call;
	void *context;
	struct loop_timer **slot;
	struct loop_timer *next;
};

struct loop {
	int epoll;
	bool stopped;
	struct source *sources; /* indexed by descriptor */
	size_t source_count;
	struct loop_timer *timers; /* sorted by due */
};

int loop_new(struct loop **ret, struct error *err)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct loop *loop;

	if (epoll < 0)
		return error_errno(err, "epoll");
	loop = memory_new(1, sizeof *loop);
	loop->epoll = epoll;
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->timers)
		loop_cancel(loop, loop->timers->slot);
	(void)close(loop->epoll); /* nothing to lose */
	free(loop->sources);
	free(loop);
}

static struct epoll_event describe(const struct loop *loop, int fd, uint32_t events)
{
	uint64_t generation = loop->sources[fd].generation;

	return (struct epoll_event){ .events = events,
		.data.u64 = generation << 32 | (uint32_t)fd };
}

static void make_room(struct loop *loop, size_t count)
{
	if (count <= loop->source_count)
		return;
	loop->sources = memory_resize(loop->sources, count * 2, sizeof *loop->sources);
	for (size_t i = loop->source_count; i < count * 2; i++)
		loop->sources[i] = (struct source){ 0 };
	loop->source_count = count * 2;
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_on_fd *call, void *context,
	struct error *err)
{
	struct epoll_event event;

	make_room(loop, (size_t)fd + 1);
	loop->sources[fd].call = call;
	loop->sources[fd].context = context;
	loop->sources[fd].generation++;
	event = describe(loop, fd, events);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		loop->sources[fd].call = NULL;
		return error_errno(err, "watch descriptor %d", fd);
	}
	return 0;
}

int loop_change(struct loop *loop, int fd, uint32_t events, struct error *err)
{
	struct epoll_event event = describe(loop, fd, events);

	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		return error_errno(err, "watch descriptor %d", fd);
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->source_count || !loop->sources[fd].call)
		return;
	loop->sources[fd].call = NULL;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL); /* a closed one has left by itself */
}

static void insert(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **at = &loop->timers;

	while (*at && (*at)->due <= timer->due)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

void loop_after(struct loop *loop, uint64_t delay, loop_on_time *call, void *context,
	struct loop_timer **slot)
{
	struct loop_timer *timer = memory_new(1, sizeof *timer);

	loop_cancel(loop, slot);
	timer->due = clock_now() + delay;
	timer->call = call;
	timer->context = context;
	timer->slot = slot;
	*slot = timer;
	insert(loop, timer);
}

void loop_cancel(struct loop *loop, struct loop_timer **slot)
{
	struct loop_timer **at = &loop->timers;

	if (!*slot)
		return;
	while (*at != *slot)
		at = &(*at)->next;
	*at = (*slot)->next;
	free(*slot);
	*slot = NULL;
}

static void fire_due(struct loop *loop)
{
	uint64_t now = clock_now();

	while (!loop->stopped && loop->timers && loop->timers->due <= now) {
		struct loop_timer *timer = loop->timers;
		loop_on_time *call = timer->call;
		void *context = timer->context;

		loop_cancel(loop, timer->slot);
		call(context);
	}
}

static int timeout_of(const struct loop *loop)
{
	uint64_t now = clock_now();

	if (!loop->timers)
		return -1;
	if (loop->timers->due <= now)
		return 0;
	return loop->timers->due - now > 60000 ? 60000 : (int)(loop->timers->due - now);
}

static void deliver(struct loop *loop, const struct epoll_event *event)
{
	int fd = (int)(uint32_t)event->data.u64;
	const struct source *source = &loop->sources[fd];

	if (source->call && source->generation == event->data.u64 >> 32)
		source->call(source->context, fd, event->events);
}

int loop_run(struct loop *loop, struct error *err)
{
	struct epoll_event events[EVENTS_A_ROUND];

	loop->stopped = false;
	while (!loop->stopped) {
		int count = epoll_wait(loop->epoll, events, EVENTS_A_ROUND, timeout_of(loop));

		if (count < 0 && errno != EINTR)
			return error_errno(err, "epoll");
		for (int i = 0; i < count && !loop->stopped; i++)
			deliver(loop, &events[i]);
		fire_due(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
