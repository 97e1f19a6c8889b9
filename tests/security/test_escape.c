/* Roots that no build of ours made, and launches beyond what anybody needs: each stays in the root
 * or is an error, and the host's tree and mounts are as they were. What must be refused in /proc,
 * /sys and /dev: tests/system/test_view.c; standard streams: tests/system/test_sandbox.c. */
#include "../support/box.h"
#include "base/memory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STARTS = 50, STARTS_LONG = 5000, MOUNTS = 300, MOUNTS_LONG = 5000 };

struct world {
	struct box box;
	char canary[80]; /* a directory outside the root, empty */
	struct buf mounts;
};

static int number(int few, int many)
{
	return getenv("ISORUN_TEST_LONG") ? many : few;
}

/* A path as it is below, from the test's own namespace. */
static char *outside(const struct world *world, const char *path)
{
	return memory_format("%s/root%s", world->box.dir, path);
}

static void link_to(const struct world *world, const char *path, const char *target)
{
	char *full = outside(world, path);

	assert_int_equal(symlink(target, full), 0);
	free(full);
}

static int setup(void **state)
{
	struct world *world = memory_new(1, sizeof *world);

	box_init(&world->box);
	snprintf(world->canary, sizeof world->canary, "%s/canary", world->box.dir);
	assert_int_equal(mkdir(world->canary, 0777), 0);
	assert_int_equal(chmod(world->canary, 0777), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	box_done(&world->box);
	buf_done(&world->mounts);
	free(world);
	return 0;
}

/* Mounts of this namespace, but for those that box_root adds at its scratch directory. */
static size_t count_mounts(const struct world *world)
{
	struct buf text = { 0 };
	size_t count = 0;

	box_read("/proc/self/mountinfo", &text);
	for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
		count += !strstr(line, world->box.dir) || !strstr(line, "/scratch ");
	buf_done(&text);
	return count;
}

static void assert_canary_is_empty(const struct world *world)
{
	assert_int_equal(rmdir(world->canary), 0); /* would say ENOTEMPTY, or EBUSY of a mount */
	assert_int_equal(mkdir(world->canary, 0777), 0);
	assert_int_equal(chmod(world->canary, 0777), 0);
}

/* Exchanges two names as fast as it can until it is killed. */
static pid_t start_racer(const char *one, const char *other)
{
	pid_t pid = fork();

	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

static void stop_racer(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A directory that is a mount's target, or a component of it, becomes a link outwards and back. */
static void race(struct world *world, const char *raced, const char *target, const char *file)
{
	char *one = outside(world, raced);
	char *other = outside(world, "/swap");
	char *up = memory_format("../../../../../../../../../..%s", world->canary);
	const size_t mounts = count_mounts(world);
	int launched = 0;
	pid_t racer;

	(void)mkdir(one, 0755); /* may be there */
	assert_int_equal(symlink(up, other), 0);
	racer = start_racer(one, other);
	for (int i = 0; i < number(STARTS, STARTS_LONG); i++) {
		struct box_result result;
		struct spec spec = { 0 };

		box_spec(&spec, (const char *const[]){ "write", file, NULL });
		if (target)
			spec_add_mount(&spec, "tmpfs", NULL, target, 0);
		box_run(&world->box, &spec, &result);
		launched += result.launched == 0;
		assert_canary_is_empty(world);
		box_result_done(&result);
		spec_done(&spec);
	}
	stop_racer(racer);
	assert_int_equal(count_mounts(world), mounts);
	printf("# %s: %d of %d started\n", raced, launched, number(STARTS, STARTS_LONG));
	if (unlink(other) < 0) { /* it is the directory */
		assert_int_equal(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
		assert_int_equal(unlink(other), 0);
	}
	free(one);
	free(other);
	free(up);
}

/* CVE-2021-30465, CVE-2024-45310 */
static void a_mount_target_that_is_swapped_for_a_link_stays_in_the_root(void **state)
{
	struct world *world = *state;

	box_make_dir(&world->box, "/etc/deeper");
	race(*state, "/app", "/app", "/app/x");
	race(*state, "/etc", "/etc/deeper", "/etc/deeper/x");
	race(*state, "/tmp", NULL, "/tmp/x");
}

/* CVE-2019-16884, CVE-2019-19921, CVE-2026-41579 */
static void proc_and_dev_that_are_swapped_for_links_stay_in_the_root(void **state)
{
	race(*state, "/proc", NULL, "/proc/x");
	race(*state, "/dev", NULL, "/dev/shm/x");
}

/* CVE-2024-21626 with a working directory that is a link. */
static void a_working_directory_cannot_lead_out(void **state)
{
	static const char *const targets[] = { "/proc/self/fd/9", "/proc/1/root", "/proc/self/cwd",
		"/proc/self/root/../../..", "../../../../../.." };
	struct world *world = *state;
	int leaked = fcntl(open("/", O_PATH | O_DIRECTORY), F_DUPFD, 9); /* not CLOEXEC */

	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		struct box_result result;
		struct spec spec = { 0 };

		link_to(world, "/cwd", targets[i]);
		box_spec(&spec, (const char *const[]){ "ls", ".", NULL });
		free(spec.cwd);
		spec.cwd = memory_copy_str("/cwd");
		box_run(&world->box, &spec, &result);
		if (result.launched == 0) /* then it is the root, which has no more than this */
			assert_string_equal(result.output.data,
				"app\nbin\ncwd\ndev\netc\nproc\nrun\nsys\ntmp\n");
		else
			assert_non_null(strstr(result.error.text, "working directory /cwd"));
		box_result_done(&result);
		spec_done(&spec);
		box_remove(&world->box, "/cwd");
	}
	close(leaked);
}

/* CVE-2019-5736: also behind scripts that a first look finds harmless, or cannot look into. */
static void an_interpreter_that_is_isorun_itself_is_refused(void **state)
{
	static const char *const programs[][2] = {
		{ "/app/one", "/app/one: its interpreter /proc/self/exe is a link that leads out "
			      "of the root" },
		{ "/app/two", "/app/one: its interpreter /proc/self/exe is a link that leads out "
			      "of the root" },
		{ "/app/near", "/app/near: its interpreter ../proc/self/exe is no absolute path" },
		{ "/app/three", "/app/dark: it cannot be read, only executed, and so not be "
				"checked" },
	};
	struct world *world = *state;
	struct box_result result;
	struct spec spec = { 0 };
	struct stat before, after;

	box_make_file(&world->box, "/app/one", "#!/proc/self/exe\n", 0755);
	box_make_file(&world->box, "/app/two", "#!/app/one\n", 0755);
	box_make_file(&world->box, "/app/near", "#!../proc/self/exe\n", 0755);
	box_make_file(&world->box, "/app/dark", "#!/proc/self/exe\n", 0711);
	box_make_file(&world->box, "/app/three", "#!/app/dark\n", 0755);
	assert_int_equal(stat("/proc/self/exe", &before), 0);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		box_spec(&spec, (const char *const[]){ NULL });
		strv_done(&spec.argv);
		strv_add(&spec.argv, programs[i][0]);
		box_run(&world->box, &spec, &result);
		assert_int_equal(result.launched, -1);
		assert_string_equal(result.error.text, programs[i][1]);
		assert_string_equal(result.output.data, "");
		box_result_done(&result);
		spec_done(&spec);
	}
	assert_int_equal(stat("/proc/self/exe", &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(before.st_size, after.st_size);
}

/* CVE-2019-5736: whoever one is inside, and with every capability there. */
static void no_id_of_the_container_may_open_pid_1_s_program(void **state)
{
	static const uint32_t ids[] = { 0, 1, 1000, 65535 };
	const uint64_t all = (UINT64_C(1) << 41) - 1;
	struct world *world = *state;

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct box_result result;
		struct spec spec = { 0 };

		box_spec(&spec, (const char *const[]){ "write", "/proc/1/exe", NULL });
		spec.uid = spec.gid = ids[i];
		if (ids[i] == 0)
			spec.capabilities = (struct spec_capabilities){ all, all, all, all, all };
		box_run(&world->box, &spec, &result);
		box_assert_launched(&result);
		assert_string_equal(result.output.data, "/proc/1/exe: Permission denied\n");
		box_result_done(&result);
		spec_done(&spec);
	}
}

/* CVE-2021-43784: what is counted in 16 bits elsewhere. */
static void thousands_of_mounts_are_made_or_refused_whole(void **state)
{
	struct world *world = *state;
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "write", "/tmp/x", NULL });
	for (int i = 0; i < number(MOUNTS, MOUNTS_LONG); i++)
		spec_add_mount(&spec, "tmpfs", NULL, "/app", 0);
	box_run(&world->box, &spec, &result);
	if (result.launched == 0)
		assert_string_equal(result.output.data, "/tmp/x: written\n");
	else
		assert_string_not_equal(result.error.text, "");
	box_result_done(&result);
	spec_done(&spec);
}

static void four_megabytes_of_environment_arrive_or_are_refused_whole(void **state)
{
	struct world *world = *state;
	char *value = memory_new(100001, 1);
	struct box_result result;
	struct spec spec = { 0 };

	memset(value, 'x', 100000);
	box_spec(&spec, (const char *const[]){ "env", NULL });
	for (int i = 0; i < 42; i++)
		strv_addf(&spec.env, "V%02d=%s", i, value);
	box_run(&world->box, &spec, &result);
	if (result.launched == 0)
		assert_true(result.output.len > 42 * 100000);
	else
		assert_string_equal(result.error.text, "/bin/probe: Argument list too long");
	box_result_done(&result);
	spec_done(&spec);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_target_that_is_swapped_for_a_link_stays_in_the_root),
		cmocka_unit_test(proc_and_dev_that_are_swapped_for_links_stay_in_the_root),
		cmocka_unit_test(a_working_directory_cannot_lead_out),
		cmocka_unit_test(an_interpreter_that_is_isorun_itself_is_refused),
		cmocka_unit_test(no_id_of_the_container_may_open_pid_1_s_program),
		cmocka_unit_test(thousands_of_mounts_are_made_or_refused_whole),
		cmocka_unit_test(four_megabytes_of_environment_arrive_or_are_refused_whole),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("escape", tests, setup, teardown);
}
