/* Trials: what comes back from a child, and that nothing else does. */
#include "kernel/trial.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static enum trial_result go_home(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	(void)err;
	(void)snprintf(found, TRIAL_TEXT, "%s in %d", (const char *)context, (int)getpid());
	(void)umask(0777);
	return chdir("/") < 0 ? TRIAL_FAILED : TRIAL_DONE;
}

static void what_a_trial_changes_ends_with_it(void **state)
{
	char found[TRIAL_TEXT], before[512], after[512], own[TRIAL_TEXT];
	struct error err;

	(void)state;
	assert_non_null(getcwd(before, sizeof before));

	assert_int_equal(trial_run(go_home, "here", found, &err), TRIAL_DONE);

	assert_non_null(getcwd(after, sizeof after));
	(void)snprintf(own, sizeof own, "here in %d", (int)getpid());
	assert_string_equal(before, after);
	assert_int_equal(strncmp(found, "here in ", 8), 0);
	assert_string_not_equal(found, own);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static enum trial_result fail_in_part(
	const void *context, char found[TRIAL_TEXT], struct error *err)
{
	(void)context;
	(void)found;
	error_set(err, ERROR_UNSUPPORTED, "only half");
	error_hint(err, "sudo mend");
	return TRIAL_IN_PART;
}

static void its_error_and_hint_come_back(void **state)
{
	char found[TRIAL_TEXT];
	struct error err;

	(void)state;
	assert_int_equal(trial_run(fail_in_part, NULL, found, &err), TRIAL_IN_PART);

	assert_string_equal(err.text, "only half");
	assert_string_equal(err.hint, "sudo mend");
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_string_equal(found, "");
}

static enum trial_result die(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	(void)context;
	(void)found;
	(void)err;
	(void)raise(SIGKILL);
	return TRIAL_DONE;
}

static void one_that_is_killed_has_failed(void **state)
{
	char found[TRIAL_TEXT];
	struct error err;

	(void)state;
	assert_int_equal(trial_run(die, NULL, found, &err), TRIAL_FAILED);

	assert_string_equal(err.text, "the attempt was ended by signal 9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_trial_changes_ends_with_it),
		cmocka_unit_test(its_error_and_hint_come_back),
		cmocka_unit_test(one_that_is_killed_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
