/* The event loop: descriptors, timers, and callbacks that change both. */
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

/* What a test's callbacks share. */
struct world {
	struct loop *loop;
	struct loop_timer *timer, *other;
	int one[2], two[2];
	int calls;
	char order[16];
	struct error err;
};

static int set_up(void **state)
{
	static struct world world;

	world = (struct world){ 0 };
	*state = &world;
	return loop_new(&world.loop, &world.err) || pipe2(world.one, O_CLOEXEC | O_NONBLOCK) ||
	       pipe2(world.two, O_CLOEXEC | O_NONBLOCK);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	loop_free(world->loop);
	for (int i = 0; i < 2; i++) {
		(void)close(world->one[i]);
		(void)close(world->two[i]);
	}
	return 0;
}

static void stop_on_time(void *context)
{
	struct world *world = context;

	loop_stop(world->loop);
}

static void run(struct world *world)
{
	if (loop_run(world->loop, &world->err) < 0)
		fail_msg("%s", world->err.text);
}

static void read_and_stop(void *context, int fd, uint32_t events)
{
	struct world *world = context;
	char byte;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(fd, &byte, 1), 1);
	world->calls++;
	loop_stop(world->loop);
}

static void a_ready_descriptor_is_called(void **state)
{
	struct world *world = *state;

	assert_int_equal(
		loop_add(world->loop, world->one[0], EPOLLIN, read_and_stop, world, &world->err),
		0);
	assert_int_equal(write(world->one[1], "x", 1), 1);
	run(world);
	assert_int_equal(world->calls, 1);
}

static void remove_both(void *context, int fd, uint32_t events)
{
	struct world *world = context;

	(void)fd;
	(void)events;
	world->calls++;
	loop_remove(world->loop, world->one[0]);
	loop_remove(world->loop, world->two[0]);
	loop_after(world->loop, 0, stop_on_time, world, &world->timer);
}

static void a_source_removed_by_another_is_not_called_any_more(void **state)
{
	struct world *world = *state;

	loop_add(world->loop, world->one[0], EPOLLIN, remove_both, world, &world->err);
	loop_add(world->loop, world->two[0], EPOLLIN, remove_both, world, &world->err);
	assert_int_equal(write(world->one[1], "x", 1), 1);
	assert_int_equal(write(world->two[1], "x", 1), 1);
	run(world);
	assert_int_equal(world->calls, 1);
}

static void count_only(void *context, int fd, uint32_t events)
{
	struct world *world = context;
	char byte;

	(void)events;
	(void)!read(fd, &byte, 1);
	world->order[world->calls++] = 'n';
}

static void replace_both(void *context, int fd, uint32_t events)
{
	struct world *world = context;
	int other = fd == world->one[0] ? world->two[0] : world->one[0];

	(void)events;
	world->order[world->calls++] = 'o';
	loop_remove(world->loop, fd);
	loop_remove(world->loop, other);
	assert_int_equal(loop_add(world->loop, other, EPOLLIN, count_only, world, &world->err), 0);
	loop_after(world->loop, 5, stop_on_time, world, &world->timer);
}

/* The event already fetched belongs to the old source under the same number. */
static void an_event_of_the_old_source_does_not_reach_the_new_one(void **state)
{
	struct world *world = *state;

	loop_add(world->loop, world->one[0], EPOLLIN, replace_both, world, &world->err);
	loop_add(world->loop, world->two[0], EPOLLIN, replace_both, world, &world->err);
	assert_int_equal(write(world->one[1], "x", 1), 1);
	assert_int_equal(write(world->two[1], "x", 1), 1);
	run(world);
	assert_string_equal(world->order, "on");
}

static void interest_can_be_changed(void **state)
{
	struct world *world = *state;

	loop_add(world->loop, world->one[0], 0, read_and_stop, world, &world->err);
	assert_int_equal(write(world->one[1], "x", 1), 1);
	loop_after(world->loop, 5, stop_on_time, world, &world->timer);
	run(world);
	assert_int_equal(world->calls, 0);
	assert_int_equal(loop_change(world->loop, world->one[0], EPOLLIN, &world->err), 0);
	run(world);
	assert_int_equal(world->calls, 1);
}

static void a_file_that_cannot_be_watched_is_an_error(void **state)
{
	struct world *world = *state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)close(fd);
	assert_int_equal(loop_add(world->loop, dir, EPOLLIN, count_only, world, &world->err), -1);
	assert_int_equal(world->err.errnum, EPERM);
	loop_remove(world->loop, dir);
	loop_remove(world->loop, -1);
	loop_remove(world->loop, 1 << 20);
	(void)close(dir);
}

static void append_a(void *context)
{
	struct world *world = context;

	assert_null(world->timer);
	world->order[world->calls++] = 'a';
}

static void append_b(void *context)
{
	struct world *world = context;

	assert_null(world->other);
	world->order[world->calls++] = 'b';
	loop_stop(world->loop);
}

static void timers_fire_in_order_of_time(void **state)
{
	struct world *world = *state;

	loop_after(world->loop, 6, append_b, world, &world->other);
	loop_after(world->loop, 2, append_a, world, &world->timer);
	run(world);
	assert_string_equal(world->order, "ab");
}

static void an_armed_timer_is_rearmed(void **state)
{
	struct world *world = *state;

	loop_after(world->loop, 1, append_a, world, &world->timer);
	loop_after(world->loop, 30000, append_a, world, &world->timer);
	loop_after(world->loop, 4, append_b, world, &world->other);
	run(world);
	assert_string_equal(world->order, "b");
	assert_non_null(world->timer);
	loop_cancel(world->loop, &world->timer);
	assert_null(world->timer);
	loop_cancel(world->loop, &world->timer);
}

static void rearm(void *context)
{
	struct world *world = context;

	if (++world->calls < 5)
		loop_after(world->loop, 1, rearm, world, &world->timer);
	else
		loop_stop(world->loop);
}

static void a_timer_may_arm_itself_again(void **state)
{
	struct world *world = *state;

	loop_after(world->loop, 0, rearm, world, &world->timer);
	run(world);
	assert_int_equal(world->calls, 5);
	assert_null(world->timer);
}

static void freeing_disarms_what_is_left(void **state)
{
	struct world *world = *state;

	loop_after(world->loop, 30000, append_a, world, &world->timer);
	loop_after(world->loop, 20000, append_b, world, &world->other);
	loop_free(world->loop);
	world->loop = NULL;
	assert_null(world->timer);
	assert_null(world->other);
}

int main(void)
{
#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		LOOP_TEST(a_ready_descriptor_is_called),
		LOOP_TEST(a_source_removed_by_another_is_not_called_any_more),
		LOOP_TEST(an_event_of_the_old_source_does_not_reach_the_new_one),
		LOOP_TEST(interest_can_be_changed),
		LOOP_TEST(a_file_that_cannot_be_watched_is_an_error),
		LOOP_TEST(timers_fire_in_order_of_time),
		LOOP_TEST(an_armed_timer_is_rearmed),
		LOOP_TEST(a_timer_may_arm_itself_again),
		LOOP_TEST(freeing_disarms_what_is_left),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
