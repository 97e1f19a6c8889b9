/* The table of states × events: every path through it, without a process. */
#include "supervisor/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(enum process_state state, enum process_event event, enum process_state next,
	unsigned actions)
{
	struct process_step step = process_step(state, event);

	assert_true(step.valid);
	assert_int_equal(step.next, next);
	assert_int_equal(step.actions, actions);
}

static void a_good_life_is_start_ready_stop(void **state)
{
	(void)state;
	expect(PROCESS_STOPPED, PROCESS_START, PROCESS_STARTING, PROCESS_DO_LAUNCH);
	expect(PROCESS_STARTING, PROCESS_LAUNCHED, PROCESS_BOOTING, PROCESS_DO_PROBE);
	expect(PROCESS_BOOTING, PROCESS_ANSWERED, PROCESS_READY, PROCESS_DO_PUBLISH);
	expect(PROCESS_READY, PROCESS_STOP, PROCESS_STOPPING,
		PROCESS_DO_RETIRE | PROCESS_DO_SIGNAL);
	expect(PROCESS_STOPPING, PROCESS_EXITED, PROCESS_STOPPED, PROCESS_DO_FORGET);
}

static void a_crash_leads_back_to_a_launch(void **state)
{
	(void)state;
	expect(PROCESS_READY, PROCESS_EXITED, PROCESS_BACKOFF,
		PROCESS_DO_RETIRE | PROCESS_DO_BACKOFF);
	expect(PROCESS_BACKOFF, PROCESS_RETRY, PROCESS_STARTING, PROCESS_DO_LAUNCH);
}

static void a_process_that_ignores_its_stop_signal_is_killed(void **state)
{
	(void)state;
	expect(PROCESS_STOPPING, PROCESS_GRACE_OVER, PROCESS_KILLING, PROCESS_DO_KILL);
	expect(PROCESS_KILLING, PROCESS_EXITED, PROCESS_STOPPED, PROCESS_DO_FORGET);
}

static void a_boot_timeout_is_a_crash_once_the_type_has_answered_before(void **state)
{
	(void)state;
	expect(PROCESS_BOOTING, PROCESS_BOOT_TIMEOUT, PROCESS_CRASHING, PROCESS_DO_KILL);
	expect(PROCESS_CRASHING, PROCESS_EXITED, PROCESS_BACKOFF, PROCESS_DO_BACKOFF);
	expect(PROCESS_BOOTING, PROCESS_BOOT_FAILURE, PROCESS_FAILING, PROCESS_DO_KILL);
	expect(PROCESS_FAILING, PROCESS_EXITED, PROCESS_FAILED,
		PROCESS_DO_FAIL | PROCESS_DO_FORGET);
}

static void an_unlaunchable_command_fails_for_good(void **state)
{
	(void)state;
	expect(PROCESS_STARTING, PROCESS_UNLAUNCHABLE, PROCESS_FAILED,
		PROCESS_DO_FAIL | PROCESS_DO_FORGET);
	assert_false(process_step(PROCESS_FAILED, PROCESS_RETRY).valid);
}

/* Whatever it is doing: kill, and where something is alive its death, ends it. */
static void every_state_ends_after_kill_and_exit(void **state)
{
	(void)state;
	for (enum process_state s = 0; s < PROCESS_STATES; s++) {
		struct process_step step;

		if (s == PROCESS_STARTING)
			continue; /* launching is synchronous: its outcome comes before any other
				     event */
		step = process_step(s, PROCESS_KILL);
		assert_true(step.valid);
		if (process_step(step.next, PROCESS_EXITED).valid)
			step = process_step(step.next, PROCESS_EXITED);
		assert_true(step.next == PROCESS_STOPPED || step.next == PROCESS_FAILED);
	}
}

static void only_a_ready_process_is_published_and_leaving_ready_retires_it(void **state)
{
	(void)state;
	for (enum process_state s = 0; s < PROCESS_STATES; s++) {
		for (enum process_event e = 0; e < PROCESS_EVENTS; e++) {
			struct process_step step = process_step(s, e);
			bool enters = s != PROCESS_READY && step.next == PROCESS_READY;
			bool leaves = s == PROCESS_READY && step.next != PROCESS_READY;

			if (!step.valid)
				continue;
			assert_int_equal(enters, !!(step.actions & PROCESS_DO_PUBLISH));
			assert_int_equal(leaves, !!(step.actions & PROCESS_DO_RETIRE));
		}
	}
}

static void a_stop_never_leads_to_another_launch(void **state)
{
	(void)state;
	for (enum process_state s = 0; s < PROCESS_STATES; s++) {
		struct process_step step = process_step(s, PROCESS_STOP);

		if (!step.valid)
			continue;
		for (enum process_event e = PROCESS_LAUNCHED; e < PROCESS_EVENTS; e++) {
			struct process_step after = process_step(step.next, e);

			if (after.valid)
				assert_false(
					after.actions & (PROCESS_DO_LAUNCH | PROCESS_DO_BACKOFF));
		}
	}
}

static void backoff_doubles_from_a_second_to_a_minute(void **state)
{
	static const uint64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(process_backoff(i + 1), expected[i]);
	assert_int_equal(process_backoff(4000000000), 60000);
}

static void a_minute_of_life_forgives_earlier_crashes(void **state)
{
	(void)state;
	assert_int_equal(process_failures(0, 10), 1);
	assert_int_equal(process_failures(5, 59999), 6);
	assert_int_equal(process_failures(5, 60000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_life_is_start_ready_stop),
		cmocka_unit_test(a_crash_leads_back_to_a_launch),
		cmocka_unit_test(a_process_that_ignores_its_stop_signal_is_killed),
		cmocka_unit_test(a_boot_timeout_is_a_crash_once_the_type_has_answered_before),
		cmocka_unit_test(an_unlaunchable_command_fails_for_good),
		cmocka_unit_test(every_state_ends_after_kill_and_exit),
		cmocka_unit_test(only_a_ready_process_is_published_and_leaving_ready_retires_it),
		cmocka_unit_test(a_stop_never_leads_to_another_launch),
		cmocka_unit_test(backoff_doubles_from_a_second_to_a_minute),
		cmocka_unit_test(a_minute_of_life_forgives_earlier_crashes),
	};

	return cmocka_run_group_tests_name("process_state", tests, NULL, NULL);
}
