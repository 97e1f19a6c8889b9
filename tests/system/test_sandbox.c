/* Launching as a whole: exit statuses, errors of commands, what a launch leaves behind. */
#include "../support/container.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static int setup(void **state)
{
	static struct container container; /* one for the group */

	container_init(&container);
	*state = &container;
	return 0;
}

static int teardown(void **state)
{
	container_done(*state);
	return 0;
}

static void the_exit_status_is_the_main_process_s_own(void **state)
{
	struct container_result result;

	PROBE(*state, &result, "exit", "7");
	if (result.launched < 0)
		print_message("%s\n", result.error.text);
	assert_int_equal(result.launched, 0);
	assert_true(WIFEXITED(result.status));
	assert_int_equal(WEXITSTATUS(result.status), 7);
	container_result_done(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_is_the_main_process_s_own),
	};

	if (!container_possible())
		return 0;
	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
