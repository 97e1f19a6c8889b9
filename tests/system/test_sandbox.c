/* Launching as a whole: exit statuses, pid 1, signals, and what reaches a process that should not.
 */
#include "../support/box.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	static struct box box; /* one for the group */

	box_init(&box);
	*state = &box;
	return 0;
}

static int teardown(void **state)
{
	box_done(*state);
	return 0;
}

static void the_exit_status_is_the_main_process_s_own(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "exit", "7");
	box_assert_launched(&result);
	assert_true(WIFEXITED(result.status));
	assert_int_equal(WEXITSTATUS(result.status), 7);
	box_result_done(&result);
}

static void a_process_ended_by_a_signal_says_which(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "raise", "15");
	box_assert_launched(&result);
	assert_true(WIFSIGNALED(result.status));
	assert_int_equal(WTERMSIG(result.status), SIGTERM);
	box_result_done(&result);
}

static void a_process_may_be_pid_1_itself(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "self", NULL });
	spec.init = false;
	box_run(*state, &spec, &result);
	box_assert_launched(&result);
	assert_non_null(strstr(result.output.data, "pid 1 session 1"));
	assert_int_equal(result.status, 0);
	box_result_done(&result);
	spec_done(&spec);
}

static void pid_1_reaps_a_thousand_orphans(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "reaped", "1000");
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "2 processes\n");
	box_result_done(&result);
}

/* Starts WORDS and returns once they have said a line; the line is in text. */
static void start_and_read(struct box *box, struct box_launch *launch, const struct spec *spec,
	char *text, size_t size)
{
	struct error err;
	ssize_t got;

	if (box_start(box, spec, launch, &err) < 0)
		fail_msg("%s", err.text);
	got = read(launch->output, text, size - 1);
	assert_true(got > 0);
	text[got] = '\0';
}

static void a_signal_for_the_sandbox_reaches_the_main_process(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	char text[64];

	box_spec(&spec, (const char *const[]){ "trap", "15", "10", NULL });
	start_and_read(*state, &launch, &spec, text, sizeof text);
	assert_string_equal(text, "ready\n");

	assert_int_equal(sandbox_signal(&launch.sandbox, SIGUSR1, &err), 0);

	text[read(launch.output, text, sizeof text - 1)] = '\0';
	assert_string_equal(text, "caught 10\n");
	box_finish(&launch);
	spec_done(&spec);
}

static void with_stop_group_a_signal_reaches_the_whole_group(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	char text[64];

	box_spec(&spec, (const char *const[]){ "trap-child", "15", NULL });
	spec.stop_group = true;
	start_and_read(*state, &launch, &spec, text, sizeof text);

	assert_int_equal(sandbox_signal(&launch.sandbox, SIGTERM, &err), 0);

	text[read(launch.output, text, sizeof text - 1)] = '\0';
	assert_string_equal(text, "caught 15\n");
	box_finish(&launch);
	spec_done(&spec);
}

static void a_process_ignores_no_signal_that_isorun_ignores(void **state)
{
	struct box_result result;

	signal(SIGPIPE, SIG_IGN);
	PROBE(*state, &result, "cat", "/proc/self/status");
	signal(SIGPIPE, SIG_DFL);
	box_assert_launched(&result);
	assert_non_null(strstr(result.output.data, "SigIgn:\t0000000000000000"));
	assert_non_null(strstr(result.output.data, "SigBlk:\t0000000000000000"));
	box_result_done(&result);
}

static void killing_the_sandbox_counts_as_sigkill_of_the_main_process(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	char text[64];
	int status;

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	start_and_read(*state, &launch, &spec, text, sizeof text);
	assert_int_equal(sandbox_signal(&launch.sandbox, SIGKILL, &err), 0);
	assert_int_equal(sandbox_wait(&launch.sandbox, &status, &err), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	/* A dead one may be signalled without harm. */
	assert_int_equal(sandbox_signal(&launch.sandbox, SIGTERM, &err), 0);
	box_finish(&launch);
	spec_done(&spec);
}

static void done_ends_what_still_runs(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	char text[64];

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	start_and_read(*state, &launch, &spec, text, sizeof text);
	sandbox_done(&launch.sandbox);
	/* Only the process still held the pipe open. */
	assert_int_equal(read(launch.output, text, sizeof text), 0);
	box_finish(&launch);
	spec_done(&spec);
}

static void a_descriptor_that_leaked_into_isorun_reaches_no_process(void **state)
{
	struct box_result result;
	int leaked = open("/", O_RDONLY | O_DIRECTORY); /* no O_CLOEXEC */

	assert_int_equal(dup2(leaked, 9), 9);
	PROBE(*state, &result, "fds");
	close(9);
	close(leaked);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "0\n1\n2\nend\n");
	box_result_done(&result);
}

/* What a process of the host's pid has open, as "0 /dev/null\n3 socket:\n". */
static void list_open(int pid, struct buf *ret)
{
	char path[64], target[256];

	for (int fd = 0; fd < 64; fd++) {
		ssize_t len;

		(void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
		len = readlink(path, target, sizeof target - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		buf_addf(ret, "%.*s\n", (int)strcspn(target, "["), target);
	}
}

static void while_it_waits_for_its_start_a_process_has_nothing_else_open(void **state)
{
	CLEANUP_BUF struct buf children = { 0 };
	CLEANUP_BUF struct buf init = { 0 };
	CLEANUP_BUF struct buf waiting = { 0 };
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	char path[64];

	box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
	assert_int_equal(box_create(*state, &spec, &launch, &err), 0);
	assert_int_equal(sandbox_setup(&launch.sandbox, &err), 0);
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", launch.sandbox.pid,
		launch.sandbox.pid);
	box_read(path, &children);
	usleep(50000); /* pid 1 closes its own while the main process already waits */
	list_open(launch.sandbox.pid, &init);
	list_open(atoi(children.data), &waiting);
	assert_string_equal(init.data, "pipe:\n");
	assert_string_equal(waiting.data, "/dev/null\npipe:\npipe:\nsocket:\n");
	box_finish(&launch);
	spec_done(&spec);
}

static void the_standard_streams_may_have_any_numbers(void **state)
{
	struct box_result result;
	int saved[3];

	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < 3; i++)
		close(i);
	PROBE(*state, &result, "fds");
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "0\n1\n2\nend\n");
	box_result_done(&result);
}

static void a_directory_as_a_standard_stream_is_refused(void **state)
{
	struct sandbox sandbox = SANDBOX_NONE;
	struct sandbox_parts parts = { .cgroup = -1, .root = -1 };
	struct spec spec = { 0 };
	struct error err;
	CLEANUP_CLOSE int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
	parts.stdio[0] = parts.stdio[1] = parts.stdio[2] = dir;
	assert_int_equal(sandbox_create(&spec, &parts, &sandbox, &err), -1);
	assert_string_equal(err.text, "standard stream 0 is a directory");
	spec_done(&spec);
}

static void the_command_line_of_isorun_cannot_be_read_inside(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "cat", "/proc/1/cmdline");
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "isorun:[init]");
	box_result_done(&result);
	PROBE(*state, &result, "cat", "/proc/1/environ");
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "/proc/1/environ: Permission denied\n");
	box_result_done(&result);
}

static void pid_1_is_confined_as_the_main_process_is(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "cat", "/proc/1/status");
	box_assert_launched(&result);
	assert_non_null(strstr(result.output.data, "Name:\tisorun:[init]"));
	assert_non_null(strstr(result.output.data, "Uid:\t1000\t1000\t1000\t1000"));
	assert_non_null(strstr(result.output.data, "CapPrm:\t0000000000000000"));
	assert_non_null(strstr(result.output.data, "CapEff:\t0000000000000000"));
	assert_non_null(strstr(result.output.data, "CapBnd:\t0000000000000000"));
	assert_non_null(strstr(result.output.data, "NoNewPrivs:\t1"));
	assert_non_null(strstr(result.output.data, "Seccomp:\t2"));
	box_result_done(&result);
}

/* A cgroup2 directory of our own, or -1. */
static int make_cgroup(char path[80])
{
	static const char *const mounts[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };

	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		struct statfs fs;

		if (statfs(mounts[i], &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		(void)snprintf(path, 80, "%s/isorun-box-%d", mounts[i], (int)getpid());
		if (mkdir(path, 0755) == 0)
			return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static void a_process_is_born_in_its_cgroup_and_sees_it_as_the_root(void **state)
{
	struct box *box = *state;
	struct box_launch launch;
	struct spec spec = { 0 };
	CLEANUP_BUF struct buf procs = { 0 };
	char path[80], text[64], outside[128];

	box->cgroup = make_cgroup(path);
	if (box->cgroup < 0) {
		print_message("no cgroup2 in which a directory can be made\n");
		skip();
	}
	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	start_and_read(box, &launch, &spec, text, sizeof text);
	(void)snprintf(outside, sizeof outside, "%s/cgroup.procs", path);
	box_read(outside, &procs);
	assert_int_equal(atoi(procs.data), launch.sandbox.pid);
	box_finish(&launch);
	spec_done(&spec);

	box_spec(&spec, (const char *const[]){ "cat", "/sys/fs/cgroup/cgroup.procs", NULL });
	start_and_read(box, &launch, &spec, text, sizeof text);
	assert_string_equal(text, "1\n2\n");
	box_finish(&launch);
	spec_done(&spec);
	close(box->cgroup);
	box->cgroup = -1;
	assert_int_equal(rmdir(path), 0);
}

static void the_end_is_known_only_when_every_process_is_dead(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;
	struct pollfd ready;
	char text[64];
	int status;

	/* The child of the main process holds the pipe open until it is killed. */
	box_spec(&spec, (const char *const[]){ "leave", NULL });
	start_and_read(*state, &launch, &spec, text, sizeof text);
	ready = (struct pollfd){ .fd = launch.sandbox.pidfd, .events = POLLIN };
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_int_equal(read(launch.output, text, sizeof text), 0);
	assert_int_equal(sandbox_wait(&launch.sandbox, &status, &err), 0);
	assert_int_equal(WEXITSTATUS(status), 5);
	box_finish(&launch);
	spec_done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_is_the_main_process_s_own),
		cmocka_unit_test(a_process_ended_by_a_signal_says_which),
		cmocka_unit_test(a_process_may_be_pid_1_itself),
		cmocka_unit_test(pid_1_reaps_a_thousand_orphans),
		cmocka_unit_test(a_signal_for_the_sandbox_reaches_the_main_process),
		cmocka_unit_test(with_stop_group_a_signal_reaches_the_whole_group),
		cmocka_unit_test(a_process_ignores_no_signal_that_isorun_ignores),
		cmocka_unit_test(killing_the_sandbox_counts_as_sigkill_of_the_main_process),
		cmocka_unit_test(done_ends_what_still_runs),
		cmocka_unit_test(a_descriptor_that_leaked_into_isorun_reaches_no_process),
		cmocka_unit_test(while_it_waits_for_its_start_a_process_has_nothing_else_open),
		cmocka_unit_test(the_standard_streams_may_have_any_numbers),
		cmocka_unit_test(a_directory_as_a_standard_stream_is_refused),
		cmocka_unit_test(the_command_line_of_isorun_cannot_be_read_inside),
		cmocka_unit_test(pid_1_is_confined_as_the_main_process_is),
		cmocka_unit_test(a_process_is_born_in_its_cgroup_and_sees_it_as_the_root),
		cmocka_unit_test(the_end_is_known_only_when_every_process_is_dead),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
