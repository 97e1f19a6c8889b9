/* A run under systemd: a delegated scope of its own, or the unit's cgroup when it is delegated.
 * Called as "test_systemd show", it opens a run and prints where it is, for use in units. */
#include "kernel/systemd.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NEED_SYSTEMD()                                                      \
	do {                                                                \
		if (!systemd_runs() || geteuid() != 0) {                    \
			print_message("needs systemd as pid 1 and root\n"); \
			skip();                                             \
		}                                                           \
	} while (0)

/* Opens a run, prints path, controllers and notice in one line, and waits for standard input's end.
 */
static int show(void)
{
	struct cgroup_run run;
	struct error err;
	char names[40], byte;

	if (cgroup_run_open("show", &run, &err) < 0) {
		printf("error %s\n", err.text);
		return 1;
	}
	printf("%s [%s] %s\n", run.path, cgroup_names(run.controllers, names), run.notice);
	(void)fflush(stdout);
	(void)!read(STDIN_FILENO, &byte, 1);
	cgroup_run_done(&run);
	return 0;
}

/* A process that shows its run. line gets what it printed. */
struct shower {
	pid_t pid;
	FILE *to, *from;
	char line[700];
};

static void start_shower(const char *const *argv, struct shower *ret)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	ret->pid = fork();
	assert_true(ret->pid >= 0);
	if (ret->pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)alarm(60);
		execvp(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	ret->to = fdopen(in[1], "w");
	ret->from = fdopen(out[0], "r");
	if (!fgets(ret->line, sizeof ret->line, ret->from))
		fail_msg("%s printed nothing", argv[0]);
	ret->line[strcspn(ret->line, "\n")] = '\0';
	print_message("%s\n", ret->line);
}

static void end_shower(struct shower *shower)
{
	int status;

	(void)fclose(shower->to);
	assert_int_equal(waitpid(shower->pid, &status, 0), shower->pid);
	(void)fclose(shower->from);
}

/* The path below /sys/fs/cgroup up to and with the last component that ends in suffix. */
static void unit_path(const char *line, const char *suffix, char *ret, size_t size)
{
	const char *end = strstr(line, suffix);

	assert_non_null(end);
	(void)snprintf(
		ret, size, "/sys/fs/cgroup%.*s", (int)(end - line + (int)strlen(suffix)), line);
}

static void assert_goes(const char *path)
{
	for (int i = 0; i < 100; i++) {
		if (access(path, F_OK) < 0)
			return;
		(void)usleep(100000);
	}
	fail_msg("%s is still there", path);
}

static void own_program(char *ret, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", ret, size - 1);

	assert_true(len > 0);
	ret[len] = '\0';
}

static void a_run_gets_a_scope_with_every_controller(void **state)
{
	const char *argv[] = { NULL, "show", NULL };
	struct shower shower;
	char program[400], path[600], wanted[64];

	(void)state;
	NEED_SYSTEMD();
	own_program(program, sizeof program);
	argv[0] = program;
	start_shower(argv, &shower);
	(void)snprintf(wanted, sizeof wanted,
		"/isorun-show-%d.scope/isorun.show.%d [cpu, memory, "
		"pids] ",
		(int)shower.pid, (int)shower.pid);
	assert_non_null(strstr(shower.line, wanted));
	unit_path(shower.line, ".scope", path, sizeof path);
	assert_int_equal(access(path, F_OK), 0);
	end_shower(&shower);
	assert_goes(path);
}

static void a_killed_run_leaves_no_scope(void **state)
{
	const char *argv[] = { NULL, "show", NULL };
	struct shower shower;
	char program[400], path[600];

	(void)state;
	NEED_SYSTEMD();
	own_program(program, sizeof program);
	argv[0] = program;
	start_shower(argv, &shower);
	unit_path(shower.line, ".scope", path, sizeof path);
	assert_int_equal(kill(shower.pid, SIGKILL), 0);
	end_shower(&shower);
	assert_goes(path);
}

static void assert_in_unit(const char *const *command, size_t count, const char *unit)
{
	const char *argv[16] = { "systemd-run", "--quiet", "--wait", "--pipe", "--collect",
		"-pDelegate=yes" };
	char option[80], path[600], wanted[100];
	struct shower shower;

	(void)snprintf(option, sizeof option, "--unit=%s", unit);
	argv[6] = option;
	for (size_t i = 0; i < count; i++)
		argv[7 + i] = command[i];
	start_shower(argv, &shower);
	(void)snprintf(wanted, sizeof wanted, "/system.slice/%s.service/isorun.show.", unit);
	assert_memory_equal(shower.line, wanted, strlen(wanted));
	assert_non_null(strstr(shower.line, " [cpu, memory, pids] "));
	unit_path(shower.line, ".service", path, sizeof path);
	end_shower(&shower);
	assert_goes(path);
}

static void a_delegated_unit_is_used_as_it_is(void **state)
{
	char program[400], unit[64];

	(void)state;
	NEED_SYSTEMD();
	own_program(program, sizeof program);
	(void)snprintf(unit, sizeof unit, "isorun-test-a-%d", (int)getpid());
	assert_in_unit((const char *const[]){ program, "show" }, 2, unit);
}

static void a_shell_around_it_in_a_delegated_unit_does_no_harm(void **state)
{
	char program[400], unit[64];

	(void)state;
	NEED_SYSTEMD();
	own_program(program, sizeof program);
	(void)snprintf(unit, sizeof unit, "isorun-test-b-%d", (int)getpid());
	assert_in_unit((const char *const[]){ "sh", "-c", "\"$0\" show; true", program }, 4, unit);
}

static void without_a_bus_the_run_says_so_and_goes_on(void **state)
{
	const char *argv[] = { "env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere", NULL, "show",
		NULL };
	struct shower shower;
	char program[400];

	(void)state;
	NEED_SYSTEMD();
	own_program(program, sizeof program);
	argv[2] = program;
	start_shower(argv, &shower);
	assert_non_null(strstr(shower.line, "/isorun.show."));
	assert_non_null(strstr(shower.line, "] systemd: D-Bus: No such file or directory"));
	end_shower(&shower);
}

static void a_name_that_no_unit_may_have_is_made_one(void **state)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;
	char wanted[64];
	int status;
	pid_t pid;

	(void)state;
	NEED_SYSTEMD();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (systemd_start_scope("a b/c\xc3\xa4", &err) < 0)
			_exit(1);
		if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 4096, &text, &err) < 0)
			_exit(2);
		(void)snprintf(wanted, sizeof wanted, "/isorun-a_b_c__-%d.scope\n", (int)getpid());
		_exit(strstr(text.data, wanted) ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_gets_a_scope_with_every_controller),
		cmocka_unit_test(a_killed_run_leaves_no_scope),
		cmocka_unit_test(a_delegated_unit_is_used_as_it_is),
		cmocka_unit_test(a_shell_around_it_in_a_delegated_unit_does_no_harm),
		cmocka_unit_test(without_a_bus_the_run_says_so_and_goes_on),
		cmocka_unit_test(a_name_that_no_unit_may_have_is_made_one),
	};

	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return show();
	return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
