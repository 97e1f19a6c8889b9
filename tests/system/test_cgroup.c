/* Runs and instances as cgroup directories, on whatever cgroup2 this host has. The test works in a
 * cgroup of its own, so it sweeps nobody else's. */
#include "kernel/cgroup.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "kernel/systemd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cgroup_limits unlimited = { 0 };

struct place {
	int own;       /* the cgroup that the test was started in; -1: nothing to put back */
	char name[64]; /* the test's below it */
};

static void open_run(const char *name, struct cgroup_run *ret)
{
	struct error err;

	if (cgroup_run_open(name, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void open_cgroup(const struct cgroup_run *run, const char *name,
	const struct cgroup_limits *limits, struct cgroup *ret)
{
	struct error err;

	if (cgroup_open(run, name, limits, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static bool exists(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, 0) == 0;
}

static void assert_file(int dir, const char *name, const char *wanted)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	if (file_read_at(dir, name, 4096, &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text.data, wanted);
}

/* A process in the cgroup that does nothing until it is killed. */
static pid_t start_sleeper(const struct cgroup *cgroup)
{
	char text[24];
	struct error err;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(60);              /* whatever happens to the test */
		(void)close_range(3, ~0U, 0); /* no pipe of the test's stays open in it */
		for (;;)
			(void)pause();
	}
	(void)snprintf(text, sizeof text, "%d", (int)pid);
	assert_int_equal(file_set_at(cgroup->dir, "cgroup.procs", text, &err), 0);
	return pid;
}

static int end_sleeper(pid_t pid)
{
	int status = 0;

	(void)kill(pid, SIGKILL); /* may be dead already */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void a_run_has_a_directory_that_goes_with_it(void **state)
{
	struct cgroup_run run;
	CLEANUP_CLOSE int base = -1;
	char name[sizeof run.name];

	(void)state;
	open_run("hello", &run);
	memcpy(name, run.name, sizeof name);
	base = fcntl(run.base, F_DUPFD_CLOEXEC, 3);
	assert_memory_equal(name, "isorun.hello.", 13);
	assert_true(exists(base, name));
	assert_string_equal(strrchr(run.path, '/') + 1, name);
	assert_int_equal(fcntl(run.dir, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

	cgroup_run_done(&run);
	assert_false(exists(base, name));
	assert_int_equal(run.dir, -1);
}

static void two_runs_of_one_process_are_two(void **state)
{
	struct cgroup_run one, other;

	(void)state;
	open_run("hello", &one);
	open_run("hello", &other);
	assert_string_not_equal(one.name, other.name);
	assert_true(exists(one.base, one.name));
	cgroup_run_done(&other);
	assert_true(exists(one.base, one.name));
	cgroup_run_done(&one);
}

static void limits_are_written_or_reported(void **state)
{
	const struct cgroup_limits limits = { .memory = 64 << 20, .cpu_milli = 250, .pids = 12 };
	struct cgroup_run run;
	struct cgroup cgroup;
	char text[40];

	(void)state;
	open_run("limits", &run);
	open_cgroup(&run, "web.1", &limits, &cgroup);
	assert_int_equal(
		cgroup.missing, (CGROUP_MEMORY | CGROUP_CPU | CGROUP_PIDS) & ~run.controllers);
	if (!(cgroup.missing & CGROUP_MEMORY)) {
		assert_file(cgroup.dir, "memory.max", "67108864\n");
		assert_file(cgroup.dir, "memory.oom.group", "1\n");
	}
	if (!(cgroup.missing & CGROUP_CPU))
		assert_file(cgroup.dir, "cpu.max", "25000 100000\n");
	if (!(cgroup.missing & CGROUP_PIDS))
		assert_file(cgroup.dir, "pids.max", "12\n");
	print_message("missing here: \"%s\"\n", cgroup_names(cgroup.missing, text));
	cgroup_done(&run, &cgroup);
	cgroup_run_done(&run);
}

static void killing_kills_everything_in_it(void **state)
{
	struct cgroup_run run;
	struct cgroup cgroup;
	struct cgroup_events events;
	struct error err;
	pid_t first, second;
	int status;

	(void)state;
	open_run("kill", &run);
	open_cgroup(&run, "web.1", &unlimited, &cgroup);
	first = start_sleeper(&cgroup);
	second = start_sleeper(&cgroup);
	assert_int_equal(cgroup_read_events(&cgroup, &events, &err), 0);
	assert_true(events.populated);

	assert_int_equal(cgroup_kill(&cgroup, &err), 0);

	assert_int_equal(waitpid(first, &status, 0), first);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(cgroup_read_events(&cgroup, &events, &err), 0);
	assert_false(events.populated);
	assert_int_equal(events.oom_kill, 0);
	cgroup_done(&run, &cgroup);
	assert_false(exists(run.dir, "web.1"));
	cgroup_run_done(&run);
}

static void a_successor_of_one_that_still_dies_has_another_name(void **state)
{
	struct cgroup_run run;
	struct cgroup old, new, third;
	pid_t sleeper;

	(void)state;
	open_run("again", &run);
	open_cgroup(&run, "web.1", &unlimited, &old);
	sleeper = start_sleeper(&old);
	cgroup_done(&run, &old);
	open_cgroup(&run, "web.1", &unlimited, &new);
	assert_string_equal(new.name, "web.1~1");
	(void)end_sleeper(sleeper); /* killed, as asked */
	open_cgroup(&run, "web.1", &unlimited, &third);
	assert_string_equal(third.name, "web.1");
	cgroup_done(&run, &new);
	cgroup_done(&run, &third);
	cgroup_run_done(&run);
}

/* A run in a process of its own, with one instance; it tells the run's name, and lives until the
 * other end of the pipe is closed. *ret_sleeper: a process in the instance, if wanted. */
static pid_t start_run(int *ret_gate, char *name, size_t size)
{
	int gate[2], tell[2];
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(tell), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct cgroup_run run;
		struct cgroup cgroup;
		struct error err;

		(void)close(gate[1]); /* ours would keep the pipe open */
		if (cgroup_run_open("other", &run, &err) < 0 ||
			cgroup_open(&run, "web.1", &unlimited, &cgroup, &err) < 0)
			_exit(1);
		(void)!write(tell[1], run.name, strlen(run.name));
		(void)close(tell[1]);
		(void)!read(gate[0], name, 1);
		_exit(0); /* as if killed: nothing is tidied up */
	}
	(void)close(gate[0]);
	(void)close(tell[1]);
	got = read(tell[0], name, size - 1);
	assert_true(got > 0);
	name[got] = '\0';
	(void)close(tell[0]);
	*ret_gate = gate[1];
	return pid;
}

static void a_live_run_is_not_swept_and_a_dead_one_is(void **state)
{
	struct cgroup_run run;
	char name[200];
	int gate;
	pid_t pid = start_run(&gate, name, sizeof name);

	(void)state;
	open_run("sweep", &run);
	assert_true(exists(run.base, name));
	cgroup_run_done(&run);

	(void)close(gate);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	open_run("sweep", &run);
	assert_false(exists(run.base, name));
	cgroup_run_done(&run);
}

static void a_dead_run_with_a_process_in_it_is_left_until_that_is_gone(void **state)
{
	struct cgroup_run run;
	struct cgroup there = { .name = "web.1" };
	char name[200], path[256];
	pid_t pid, sleeper;
	int gate;

	(void)state;
	pid = start_run(&gate, name, sizeof name);
	open_run("sweep", &run);
	(void)snprintf(path, sizeof path, "%s/web.1", name);
	there.dir = openat(run.base, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(there.dir >= 0);
	sleeper = start_sleeper(&there);
	(void)close(there.dir);
	cgroup_run_done(&run);
	(void)close(gate);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	open_run("sweep", &run);
	assert_true(exists(run.base, path));
	cgroup_run_done(&run);
	(void)end_sleeper(sleeper); /* killed, as asked */
	open_run("sweep", &run);
	assert_false(exists(run.base, name));
	cgroup_run_done(&run);
}

static void directories_of_others_are_not_swept(void **state)
{
	struct cgroup_run run;

	(void)state;
	open_run("sweep", &run);
	assert_int_equal(mkdirat(run.base, "isorunner", 0755), 0);
	cgroup_run_done(&run);
	open_run("sweep", &run);
	assert_int_equal(unlinkat(run.base, "isorunner", AT_REMOVEDIR), 0);
	cgroup_run_done(&run);
}

static void a_run_out_of_memory_is_told_apart(void **state)
{
	const struct cgroup_limits limits = { .memory = 16 << 20 };
	struct cgroup_events events;
	struct cgroup_run run;
	struct cgroup cgroup;
	struct error err;
	int status;
	pid_t pid;

	(void)state;
	open_run("oom", &run);
	open_cgroup(&run, "web.1", &limits, &cgroup);
	if (cgroup.missing) {
		cgroup_done(&run, &cgroup);
		cgroup_run_done(&run);
		print_message("this host's cgroup2 has no memory controller\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (file_set_at(cgroup.dir, "cgroup.procs", "0", &err) < 0)
			_exit(1);
		for (int i = 0; i < 64; i++)
			memset(malloc(1 << 20), 1, 1 << 20);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(cgroup_read_events(&cgroup, &events, &err), 0);
	assert_true(events.oom_kill > 0);
	cgroup_done(&run, &cgroup);
	cgroup_run_done(&run);
}

static void a_fork_bomb_stops_at_its_limit(void **state)
{
	const struct cgroup_limits limits = { .pids = 3 };
	struct cgroup_run run;
	struct cgroup cgroup;
	struct error err;
	int status;
	pid_t pid;

	(void)state;
	open_run("pids", &run);
	open_cgroup(&run, "web.1", &limits, &cgroup);
	if (cgroup.missing) {
		cgroup_done(&run, &cgroup);
		cgroup_run_done(&run);
		print_message("this host's cgroup2 has no pids controller\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int made = 0;

		if (file_set_at(cgroup.dir, "cgroup.procs", "0", &err) < 0)
			_exit(99);
		for (; made < 10; made++) {
			pid_t child = fork();

			if (child < 0)
				break;
			if (child == 0)
				(void)pause();
		}
		_exit(made);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 2);
	assert_int_equal(cgroup_kill(&cgroup, &err), 0);
	for (int i = 0; i < 100 && exists(run.dir, "web.1"); i++) {
		(void)usleep(10000);
		(void)unlinkat(run.dir, "web.1", AT_REMOVEDIR); /* until the last is dead */
	}
	cgroup_done(&run, &cgroup);
	cgroup_run_done(&run);
}

static void without_systemd_its_library_is_not_loaded(void **state)
{
	CLEANUP_BUF struct buf maps = { 0 };
	struct cgroup_run run;
	struct error err;

	(void)state;
	if (systemd_runs()) {
		print_message("systemd runs here\n");
		skip();
	}
	open_run("maps", &run);
	cgroup_run_done(&run);
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/maps", 1 << 20, &maps, &err), 0);
	assert_null(strstr(maps.data, "libsystemd"));
}

/* Moves the test into a cgroup of its own; under systemd, the first run does that. */
static int set_up(void **state)
{
	static struct place place = { .own = -1 };
	CLEANUP_BUF struct buf cgroup = { 0 };
	CLEANUP_CLOSE int dir = -1;
	struct cgroup_run run;
	struct error err;

	*state = &place;
	if (systemd_runs())
		return 0;
	if (cgroup_run_open("test-setup", &run, &err) < 0) {
		print_message("%s\n", err.text);
		return -1;
	}
	place.own = fcntl(run.base, F_DUPFD_CLOEXEC, 3);
	(void)snprintf(place.name, sizeof place.name, "isorun-test-%d", (int)getpid());
	cgroup_run_done(&run);
	dir = file_open_dir(place.own, place.name, 0755, &err);
	return dir < 0 ? -1 : file_set_at(dir, "cgroup.procs", "0", &err);
}

static int tear_down(void **state)
{
	const struct place *place = *state;
	struct error err;

	if (place->own < 0)
		return 0;
	if (file_set_at(place->own, "cgroup.procs", "0", &err) < 0)
		return -1;
	return unlinkat(place->own, place->name, AT_REMOVEDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_has_a_directory_that_goes_with_it),
		cmocka_unit_test(two_runs_of_one_process_are_two),
		cmocka_unit_test(limits_are_written_or_reported),
		cmocka_unit_test(killing_kills_everything_in_it),
		cmocka_unit_test(a_successor_of_one_that_still_dies_has_another_name),
		cmocka_unit_test(a_live_run_is_not_swept_and_a_dead_one_is),
		cmocka_unit_test(a_dead_run_with_a_process_in_it_is_left_until_that_is_gone),
		cmocka_unit_test(directories_of_others_are_not_swept),
		cmocka_unit_test(a_run_out_of_memory_is_told_apart),
		cmocka_unit_test(a_fork_bomb_stops_at_its_limit),
		cmocka_unit_test(without_systemd_its_library_is_not_loaded),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP cgroup directories need root here\n");
		return 0;
	}
	return cmocka_run_group_tests_name("cgroup", tests, set_up, tear_down);
}
