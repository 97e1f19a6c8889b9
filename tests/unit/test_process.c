/* What a fresh child does to itself, tried in children. */
#include "kernel/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

/* The wait(2) status of a child in which act is called and whose result is its exit status. */
static int in_child(int (*act)(void))
{
	struct error err;
	int pidfd = -1, status = -1;
	pid_t pid = process_clone(0, -1, &pidfd, &err);

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(act());
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(process_wait(pidfd, &status, &err), 0);
	close(pidfd);
	return status;
}

static int exit_7(void)
{
	return 7;
}

static int die(void)
{
	signal(SIGUSR1, SIG_DFL);
	return raise(SIGUSR1);
}

static void a_status_is_the_one_that_wait_gives(void **state)
{
	(void)state;
	assert_int_equal(in_child(exit_7), 7 << 8);
	assert_int_equal(in_child(die), SIGUSR1);
}

static int keep_two(void)
{
	int keep[3] = { 1 };
	size_t count = 1;
	struct error err;

	for (int fd = 20; fd < 30; fd++)
		if (dup2(0, fd) < 0)
			return 1;
	process_keep(keep, &count, 25);
	process_keep(keep, &count, -1);
	process_keep(keep, &count, 0);
	if (count != 3 || keep[0] != 0 || keep[1] != 1 || keep[2] != 25)
		return 2;
	if (process_close_others(keep, count, &err) < 0)
		return 3;
	for (int fd = 0; fd < 64; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd == 0 || fd == 1 || fd == 25))
			return 100 + fd;
	return 0;
}

static void every_descriptor_but_those_kept_is_closed(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_two), 0);
}

static int reset_signals(void)
{
	struct sigaction now;
	sigset_t mask;

	process_reset_signals();
	if (sigaction(SIGPIPE, NULL, &now) < 0 || now.sa_handler != SIG_DFL)
		return 1;
	if (sigprocmask(SIG_SETMASK, NULL, &mask) < 0 || sigismember(&mask, SIGTERM))
		return 2;
	return 0;
}

static void no_signal_stays_ignored_or_blocked(void **state)
{
	sigset_t mask, old;

	(void)state;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(in_child(reset_signals), 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int rename_self(void)
{
	char text[4096] = { 0 };
	ssize_t len;
	int fd;

	process_rename("isorun:[test]");
	if (prctl(PR_GET_NAME, text) < 0 || strcmp(text, "isorun:[test]") != 0)
		return 1;
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	len = read(fd, text, sizeof text);
	if (len <= 0 || strcmp(text, "isorun:[test]") != 0)
		return 2;
	for (ssize_t i = (ssize_t)strlen(text); i < len; i++)
		if (text[i])
			return 3;
	fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	len = read(fd, text, sizeof text);
	for (ssize_t i = 0; i < len; i++)
		if (text[i])
			return 4;
	return 0;
}

static void a_renamed_process_shows_neither_arguments_nor_environment(void **state)
{
	(void)state;
	assert_int_equal(in_child(rename_self), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_is_the_one_that_wait_gives),
		cmocka_unit_test(every_descriptor_but_those_kept_is_closed),
		cmocka_unit_test(no_signal_stays_ignored_or_blocked),
		cmocka_unit_test(a_renamed_process_shows_neither_arguments_nor_environment),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
