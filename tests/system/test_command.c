/* Commands that cannot be started: what the person who wrote them is told, and the exit status. */
#include "../support/box.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static int setup(void **state)
{
	static struct box box; /* one for the group */

	box_init(&box);
	box_make_file(&box, "/bin/plain", "hello\n", 0644);
	box_make_file(&box, "/bin/text", "hello\n", 0755);
	box_make_file(&box, "/bin/noshell", "#!/bin/missing -e\n", 0755);
	box_make_file(&box, "/bin/crlf", "#!/bin/probe\r\n", 0755);
	box_make_file(&box, "/bin/exe", "#!/proc/self/exe\n", 0755);
	box_make_file(&box, "/bin/script", "#!/bin/probe echo\n", 0755);
	box_make_dir(&box, "/usr");
	box_make_dir(&box, "/usr/bin");
	box_make_file(&box, "/usr/bin/probe", "first in PATH\n", 0644);
	box_make_file(&box, "/app/local", "#!/bin/probe echo\n", 0755);
	*state = &box;
	return 0;
}

static int teardown(void **state)
{
	box_done(*state);
	return 0;
}

static void run(void **state, const char *command, struct box_result *ret)
{
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "hello", NULL });
	free(spec.argv.items[0]);
	spec.argv.items[0] = memory_copy_str(command);
	box_run(*state, &spec, ret);
	spec_done(&spec);
}

static void refused(void **state, const char *command, int exit_status, const char *text)
{
	struct box_result result;

	run(state, command, &result);
	assert_int_equal(result.launched, -1);
	assert_string_equal(result.error.text, text);
	assert_int_equal(error_status(&result.error), exit_status);
	box_result_done(&result);
}

static void a_command_that_is_nowhere_is_127(void **state)
{
	struct box_result result;

	refused(state, "nothing", 127, "nothing: command not found");
	refused(state, "/bin/nothing", 127, "/bin/nothing: command not found");
	refused(state, "/bin/probe/nothing", 127, "/bin/probe/nothing: command not found");
	refused(state, "", 127, "the command is empty");
	run(state, "nothing", &result);
	assert_string_equal(result.error.hint, "PATH is /usr/bin:/bin");
	box_result_done(&result);
}

static void a_file_that_is_no_program_is_126(void **state)
{
	refused(state, "/bin/plain", 126, "/bin/plain: not executable");
	refused(state, "plain", 126, "/bin/plain: not executable");
	refused(state, "/bin", 126, "/bin: is a directory");
	refused(state, "text", 126,
		"/bin/text: neither a program for this machine nor a script that begins with #!");
}

static void a_script_s_missing_interpreter_is_named(void **state)
{
	struct box_result result;

	refused(state, "noshell", 126,
		"/bin/noshell: its interpreter /bin/missing is not in the root");
	run(state, "crlf", &result);
	assert_string_equal(
		result.error.text, "/bin/crlf: its interpreter /bin/probe? is not in the root");
	assert_string_equal(
		result.error.hint, "its first line ends in CR LF; write it with LF alone");
	box_result_done(&result);
}

static void isorun_itself_is_no_interpreter(void **state)
{
	refused(state, "exe", 126,
		"/bin/exe: its interpreter /proc/self/exe is a link that leads out of the root");
	refused(state, "/proc/self/exe", 126, "/proc/self/exe: Too many levels of symbolic links");
}

static void a_dynamic_program_s_missing_loader_is_named(void **state)
{
	struct box *box = *state;
	struct box_result result;

	/* The test itself is linked dynamically, and the root has no loader. */
	box_copy(box, "/proc/self/exe", "/bin/dynamic");
	run(state, "dynamic", &result);
	assert_int_equal(result.launched, -1);
	assert_non_null(strstr(result.error.text, "/bin/dynamic: its dynamic loader /lib"));
	assert_non_null(strstr(result.error.text, " is not in the root"));
	assert_int_equal(error_status(&result.error), 126);
	box_result_done(&result);
}

static void a_program_of_another_machine_is_called_that(void **state)
{
	/* A 32-bit SPARC header: no kernel that isorun runs on executes it. */
	static const char foreign[] = "\177ELF\1\2\1\1\1\1\1\1\1\1\1\1\1\2\1\2";

	box_make_file(*state, "/bin/foreign", foreign, 0755);
	refused(state, "foreign", 126, "/bin/foreign: a program for another kind of machine");
}

static void path_is_searched_as_a_shell_does(void **state)
{
	struct box_result result;

	/* /usr/bin/probe comes first but is not executable. */
	run(state, "script", &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "/bin/script hello\n");
	box_result_done(&result);
	run(state, "probe", &result);
	box_assert_launched(&result);
	assert_int_equal(WEXITSTATUS(result.status), 99);
	box_result_done(&result);
}

static void a_relative_command_starts_from_the_working_directory(void **state)
{
	struct box_result result;

	run(state, "./local", &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "./local hello\n");
	box_result_done(&result);
	refused(state, "./nothing", 127, "./nothing: command not found");
}

static void too_many_arguments_are_one_clear_error(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };
	char *huge = memory_new(140000, 1);

	memset(huge, 'x', 139999);
	box_spec(&spec, (const char *const[]){ "echo", NULL });
	strv_add(&spec.argv, huge);
	box_run(*state, &spec, &result);
	assert_string_equal(result.error.text, "/bin/probe: Argument list too long");
	assert_int_equal(error_status(&result.error), 126);
	box_result_done(&result);
	spec_done(&spec);
	free(huge);
}

static void a_missing_working_directory_is_named(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
	free(spec.cwd);
	spec.cwd = memory_copy_str("/nowhere");
	box_run(*state, &spec, &result);
	assert_string_equal(
		result.error.text, "working directory /nowhere: No such file or directory");
	box_result_done(&result);
	free(spec.cwd);
	spec.cwd = memory_copy_str("/proc/self/fd/3");
	box_run(*state, &spec, &result);
	assert_int_equal(result.launched, -1);
	box_result_done(&result);
	spec_done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_that_is_nowhere_is_127),
		cmocka_unit_test(a_file_that_is_no_program_is_126),
		cmocka_unit_test(a_script_s_missing_interpreter_is_named),
		cmocka_unit_test(isorun_itself_is_no_interpreter),
		cmocka_unit_test(a_dynamic_program_s_missing_loader_is_named),
		cmocka_unit_test(a_program_of_another_machine_is_called_that),
		cmocka_unit_test(path_is_searched_as_a_shell_does),
		cmocka_unit_test(a_relative_command_starts_from_the_working_directory),
		cmocka_unit_test(too_many_arguments_are_one_clear_error),
		cmocka_unit_test(a_missing_working_directory_is_named),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("command", tests, setup, teardown);
}
