/* Crash only: whoever is killed and whenever, no process stays. */
#include "../support/box.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECONDS = 10 };

static int setup(void **state)
{
	static struct box box; /* one for the group */

	box_init(&box);
	/* Whatever a killed launcher leaves behind becomes our child, and so can be seen. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	*state = &box;
	return 0;
}

static int teardown(void **state)
{
	box_done(*state);
	return 0;
}

/* Whether every child, adopted ones included, ends by itself. */
static bool all_end(void)
{
	for (int i = 0; i < SECONDS * 1000; i++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return true;
		usleep(1000);
	}
	return false;
}

enum stage { CREATED, SET_UP, STARTED };

/* A launcher that goes as far as stage, says so, and waits to be killed. */
static pid_t launch_until(struct box *box, enum stage stage, bool init)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	int said[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		box_spec(&spec, (const char *const[]){ "sleep", NULL });
		spec.init = init;
		if (box_create(box, &spec, &launch, &err) < 0 ||
			(stage >= SET_UP && sandbox_setup(&launch.sandbox, &err) < 0) ||
			(stage >= STARTED && sandbox_start(&launch.sandbox, &err) < 0))
			_exit(1);
		if (write(said[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	close(said[0]);
	return pid;
}

static void killed_at(void **state, enum stage stage)
{
	for (int init = 0; init < 2; init++) {
		pid_t pid = launch_until(*state, stage, init);

		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_true(all_end());
	}
}

static void isorun_killed_after_the_clone_leaves_no_process(void **state)
{
	killed_at(state, CREATED);
}

static void isorun_killed_before_the_start_leaves_no_process(void **state)
{
	killed_at(state, SET_UP);
}

static void isorun_killed_while_the_process_runs_leaves_no_process(void **state)
{
	killed_at(state, STARTED);
}

static void launch_for_ever(struct box *box)
{
	for (;;) {
		struct box_launch launch;
		struct spec spec = { 0 };
		struct error err;

		box_spec(&spec, (const char *const[]){ "sleep", NULL });
		if (box_start(box, &spec, &launch, &err) < 0)
			_exit(1);
		usleep(500);
		box_finish(&launch);
		spec_done(&spec);
	}
}

static void isorun_killed_at_any_moment_leaves_no_process(void **state)
{
	const int rounds = getenv("ISORUN_TEST_LONG") ? 2000 : 60;

	for (int i = 0; i < rounds; i++) {
		/* Over the length of two launches, in steps that do not fall in with theirs. */
		long delay = 2000000 + (long)i * 7919 * 1000 % 9000000;
		const struct timespec moment = { 0, delay };
		pid_t pid = fork();

		if (pid == 0)
			launch_for_ever(*state);
		nanosleep(&moment, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_true(all_end());
	}
}

static void pid_1_killed_takes_the_main_process_along(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	char text[16];
	int status;

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	assert_int_equal(box_start(*state, &spec, &launch, &err), 0);
	assert_true(read(launch.output, text, sizeof text) > 0);
	assert_int_equal(kill(launch.sandbox.pid, SIGKILL), 0);
	assert_int_equal(sandbox_wait(&launch.sandbox, &status, &err), 0);
	assert_int_equal(status, SIGKILL);
	assert_int_equal(read(launch.output, text, sizeof text), 0);
	box_finish(&launch);
	spec_done(&spec);
}

static void a_child_killed_during_its_set_up_is_an_error_that_says_so(void **state)
{
	struct spec spec = { 0 };
	struct error err = { 0 };

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	/* A child that was quicker than the kill is tried again. */
	for (int i = 0; i < 50 && !*err.text; i++) {
		struct box_launch launch;

		assert_int_equal(box_create(*state, &spec, &launch, &err), 0);
		assert_int_equal(kill(launch.sandbox.pid, SIGKILL), 0);
		if (sandbox_setup(&launch.sandbox, &err) < 0)
			assert_int_equal(launch.sandbox.pid, -1);
		box_finish(&launch);
	}
	assert_string_equal(err.text, "the process was killed by signal 9 during its set-up");
	spec_done(&spec);
}

static void a_child_killed_before_its_start_is_an_error_that_says_so(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	struct pollfd dead;

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	assert_int_equal(box_create(*state, &spec, &launch, &err), 0);
	assert_int_equal(sandbox_setup(&launch.sandbox, &err), 0);
	assert_int_equal(kill(launch.sandbox.pid, SIGKILL), 0);
	dead = (struct pollfd){ .fd = launch.sandbox.pidfd, .events = POLLIN };
	assert_int_equal(poll(&dead, 1, SECONDS * 1000), 1);
	assert_int_equal(sandbox_start(&launch.sandbox, &err), -1);
	assert_string_equal(
		err.text, "the process was killed by signal 9 while it waited for its start");
	box_finish(&launch);
	spec_done(&spec);
}

static void a_failed_launch_leaves_no_process_and_no_descriptor(void **state)
{
	struct box_result result;
	int before = dup(0), after;

	close(before);
	for (int i = 0; i < 20; i++) {
		struct spec spec = { 0 };

		box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
		free(spec.argv.items[0]);
		spec.argv.items[0] = strdup(i % 2 ? "/bin/nothing" : "/bin/probe");
		if (i % 2 == 0)
			spec_add_mount(&spec, "nofs", NULL, "/tmp", 0);
		box_run(*state, &spec, &result);
		assert_int_equal(result.launched, -1);
		box_result_done(&result);
		spec_done(&spec);
	}
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	assert_true(all_end());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isorun_killed_after_the_clone_leaves_no_process),
		cmocka_unit_test(isorun_killed_before_the_start_leaves_no_process),
		cmocka_unit_test(isorun_killed_while_the_process_runs_leaves_no_process),
		cmocka_unit_test(isorun_killed_at_any_moment_leaves_no_process),
		cmocka_unit_test(pid_1_killed_takes_the_main_process_along),
		cmocka_unit_test(a_child_killed_during_its_set_up_is_an_error_that_says_so),
		cmocka_unit_test(a_child_killed_before_its_start_is_an_error_that_says_so),
		cmocka_unit_test(a_failed_launch_leaves_no_process_and_no_descriptor),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("crash", tests, setup, teardown);
}
