/* What a process sees and may do inside: SECURITY's table of defaults, row by row. */
#include "../support/box.h"
#include "base/memory.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
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

static void says(void **state, const char *const *words, const char *text)
{
	struct box_result result;

	box_probe(*state, words, &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, text);
	box_result_done(&result);
}
#define SAYS(state, text, ...) says(state, (const char *const[]){ __VA_ARGS__, NULL }, text)

static void shows(const struct box_result *result, const char *line)
{
	if (!strstr(result->output.data, line))
		fail_msg("no \"%s\" in:\n%s", line, result->output.data);
}

static void the_process_is_user_1000_without_groups_in_a_session_of_its_own(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "self");
	box_assert_launched(&result);
	shows(&result, "uid 1000 1000 gid 1000 1000 groups 0\n");
	shows(&result, "pid 2 session 1 dumpable 1\n");
	shows(&result, "cwd /app\nhost web-1\n");
	box_result_done(&result);
}

static void no_capability_is_left_in_any_set(void **state)
{
	struct box_result result;

	PROBE(*state, &result, "cat", "/proc/self/status");
	box_assert_launched(&result);
	shows(&result, "CapInh:\t0000000000000000");
	shows(&result, "CapPrm:\t0000000000000000");
	shows(&result, "CapEff:\t0000000000000000");
	shows(&result, "CapBnd:\t0000000000000000");
	shows(&result, "CapAmb:\t0000000000000000");
	shows(&result, "NoNewPrivs:\t1");
	shows(&result, "Seccomp:\t2");
	shows(&result, "Umask:\t0022");
	box_result_done(&result);
}

static void uid_0_inside_has_no_capability_either(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "cat", "/proc/self/status", NULL });
	spec.uid = spec.gid = 0;
	box_run(*state, &spec, &result);
	box_assert_launched(&result);
	shows(&result, "Uid:\t0\t0\t0\t0");
	shows(&result, "CapEff:\t0000000000000000");
	box_result_done(&result);
	spec_done(&spec);
}

static void granted_capabilities_arrive(void **state)
{
	const uint64_t bind = 1 << 10; /* CAP_NET_BIND_SERVICE */
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(&spec, (const char *const[]){ "cat", "/proc/self/status", NULL });
	spec.capabilities = (struct spec_capabilities){ bind, bind, bind, bind, bind };
	box_run(*state, &spec, &result);
	box_assert_launched(&result);
	shows(&result, "CapEff:\t0000000000000400");
	shows(&result, "CapBnd:\t0000000000000400");
	shows(&result, "CapAmb:\t0000000000000400");
	box_result_done(&result);
	spec_done(&spec);
}

static void no_process_of_the_container_is_root_on_the_host(void **state)
{
	struct box_launch launch;
	struct box_result result = { 0 };
	struct spec spec = { 0 };
	struct error err;
	char path[64];

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	spec.uid = spec.gid = 0;
	assert_int_equal(box_start(*state, &spec, &launch, &err), 0);
	snprintf(path, sizeof path, "/proc/%d/status", (int)launch.sandbox.pid);
	box_read(path, &result.output);
	shows(&result, "Uid:\t1000000\t1000000\t1000000\t1000000");
	box_finish(&launch);
	box_result_done(&result);
	spec_done(&spec);
}

static void only_tmp_run_and_shm_can_be_written(void **state)
{
	SAYS(state, "/tmp/a: written\n", "write", "/tmp/a");
	SAYS(state, "/run/a: written\n", "write", "/run/a");
	SAYS(state, "/dev/shm/a: written\n", "write", "/dev/shm/a");
	SAYS(state, "/a: Read-only file system\n", "write", "/a");
	SAYS(state, "/app/a: Read-only file system\n", "write", "/app/a");
	SAYS(state, "/dev/a: Read-only file system\n", "write", "/dev/a");
	SAYS(state, "/sys/a: Read-only file system\n", "write", "/sys/a");
	SAYS(state, "/sys/fs/cgroup/a: Read-only file system\n", "write", "/sys/fs/cgroup/a");
}

static void nothing_is_shared_between_two_processes(void **state)
{
	SAYS(state, "/tmp/mine: written\n", "write", "/tmp/mine");
	SAYS(state, "", "ls", "/tmp");
}

static void the_writable_places_are_bounded_in_files(void **state)
{
	SAYS(state, "No space left on device\n", "fill", "/tmp");
	SAYS(state, "No space left on device\n", "fill", "/dev/shm");
	SAYS(state, "No space left on device\n", "fill", "/run");
}

static void dev_holds_the_listed_devices_and_nothing_else(void **state)
{
	SAYS(state, "fd\nfull\nnull\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n",
		"ls", "/dev");
	SAYS(state,
		"/dev/null 20666 65534:65534 1:3\n/dev/zero 20666 65534:65534 1:5\n"
		"/dev/full 20666 65534:65534 1:7\n/dev/random 20666 65534:65534 1:8\n"
		"/dev/urandom 20666 65534:65534 1:9\n/dev/tty 20666 65534:65534 5:0\n",
		"stat", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
		"/dev/tty");
	SAYS(state, "/dev/null: open\n/dev/zero: open\n/dev/tty: No such device or address\n",
		"open", "/dev/null", "/dev/zero", "/dev/tty");
}

static void sys_is_empty_but_for_the_own_cgroup(void **state)
{
	struct box_result result;

	SAYS(state, "fs\n", "ls", "/sys");
	SAYS(state, "cgroup\n", "ls", "/sys/fs");
	PROBE(*state, &result, "ls", "/sys/fs/cgroup");
	box_assert_launched(&result);
	shows(&result, "cgroup.procs\n");
	box_result_done(&result);
	PROBE(*state, &result, "cat", "/proc/self/cgroup");
	box_assert_launched(&result);
	shows(&result, "0::/\n");
	box_result_done(&result);
}

static void what_proc_must_not_tell_is_masked_by_the_null_device(void **state)
{
	struct box_result result;

	SAYS(state, "", "cat", "/proc/keys");
	SAYS(state, "", "cat", "/proc/timer_list");
	SAYS(state, "", "ls", "/proc/acpi");
	PROBE(*state, &result, "stat", "/proc/keys");
	shows(&result, " 1:3\n");
	box_result_done(&result);
}

static void read_only_parts_of_proc_cannot_be_written_even_by_an_administrator(void **state)
{
	const uint64_t admin = 1 << 12; /* CAP_NET_ADMIN: without the mount it could write this */
	struct box_result result;
	struct spec spec = { 0 };

	box_spec(
		&spec, (const char *const[]){ "write", "/proc/sys/net/ipv4/ip_default_ttl", NULL });
	spec.uid = spec.gid = 0;
	spec.capabilities = (struct spec_capabilities){ admin, admin, admin, 0, 0 };
	box_run(*state, &spec, &result);
	box_assert_launched(&result);
	assert_string_equal(
		result.output.data, "/proc/sys/net/ipv4/ip_default_ttl: Read-only file system\n");
	box_result_done(&result);
	spec_done(&spec);
}

static void limits_are_those_of_the_spec(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };

	SAYS(state, "0 0\n", "limit", "4"); /* RLIMIT_CORE */
	box_spec(&spec, (const char *const[]){ "limit", "7", NULL });
	spec_add_rlimit(&spec, RLIMIT_NOFILE, 64, 128);
	box_run(*state, &spec, &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "64 128\n");
	box_result_done(&result);
	spec_done(&spec);
}

static void a_limit_above_isoruns_own_is_an_error_that_names_it(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };
	struct rlimit old, low;

	getrlimit(RLIMIT_MSGQUEUE, &old);
	low = (struct rlimit){ 100, 100 };
	setrlimit(RLIMIT_MSGQUEUE, &low);
	box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
	spec_add_rlimit(&spec, RLIMIT_MSGQUEUE, 100, 200);
	box_run(*state, &spec, &result);
	(void)setrlimit(RLIMIT_MSGQUEUE, &old); /* may lack the right to raise it again */
	assert_int_equal(result.launched, -1);
	assert_string_equal(result.error.text, "limits: RLIMIT_MSGQUEUE: Operation not permitted");
	assert_string_equal(result.error.hint, "it is above isorun's own hard limit");
	box_result_done(&result);
	spec_done(&spec);
}

static void the_environment_is_exactly_the_spec_s(void **state)
{
	struct box_result result;

	setenv("SECRET_OF_THE_HOST", "x", 1);
	PROBE(*state, &result, "env");
	unsetenv("SECRET_OF_THE_HOST");
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "PATH=/usr/bin:/bin\n");
	box_result_done(&result);
}

static void a_root_without_a_mount_point_is_one_clear_error(void **state)
{
	struct box *box = *state;
	struct box_result result;

	box_remove(box, "/proc");
	PROBE(box, &result, "exit", "0");
	box_make_dir(box, "/proc");
	assert_int_equal(result.launched, -1);
	assert_string_equal(
		result.error.text, "mounts: proc on /proc: the root has no directory /proc");
	box_result_done(&result);
}

static void replace(const struct box *box, const char *path, const char *target)
{
	char *full = memory_format("root%s", path);

	box_remove(box, path);
	assert_int_equal(symlinkat(target, box->dirfd, full), 0);
	free(full);
}

static void proc_sys_and_dev_must_be_directories(void **state)
{
	static const char *const paths[] = { "/proc", "/sys", "/dev" };
	struct box *box = *state;

	for (size_t i = 0; i < 3; i++) {
		char *text = memory_format(
			"on %s: in the root, %s is not a directory", paths[i], paths[i]);
		struct box_result result;

		replace(box, paths[i], "/tmp");
		PROBE(box, &result, "exit", "0");
		box_remove(box, paths[i]);
		box_make_file(box, paths[i], "", 0644);
		assert_int_equal(result.launched, -1);
		assert_non_null(strstr(result.error.text, text));
		box_result_done(&result);
		PROBE(box, &result, "exit", "0");
		box_remove(box, paths[i]);
		box_make_dir(box, paths[i]);
		assert_int_equal(result.launched, -1);
		assert_non_null(strstr(result.error.text, text));
		box_result_done(&result);
		free(text);
	}
}

static void a_bad_mount_option_is_told_in_the_kernel_s_words(void **state)
{
	struct box_result result;
	struct spec spec = { 0 };
	struct spec_mount *mount;

	box_spec(&spec, (const char *const[]){ "exit", "0", NULL });
	mount = spec_add_mount(&spec, "tmpfs", NULL, "/tmp", 0);
	strv_add(&mount->options, "size=many");
	box_run(*state, &spec, &result);
	assert_int_equal(result.launched, -1);
	assert_string_equal(
		result.error.text, "mounts: tmpfs on /tmp: tmpfs: Bad value for 'size'");
	box_result_done(&result);
	spec_done(&spec);
}

static void a_bind_shows_a_directory_of_the_host_read_only(void **state)
{
	struct box *box = *state;
	struct box_result result;
	struct spec spec = { 0 };
	char *source = memory_format("%s/root/etc", box->dir);

	box_make_file(box, "/etc/name", "value\n", 0644);
	box_spec(&spec, (const char *const[]){ "cat", "/app/name", NULL });
	spec_add_mount(&spec, "bind", source, "/app", MOUNT_ATTR_RDONLY);
	box_run(box, &spec, &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "value\n");
	box_result_done(&result);
	spec_done(&spec);
	free(source);
}

static void a_writable_root_is_given_the_mount_points_it_lacks(void **state)
{
	struct box *box = *state;
	struct box_result result;
	struct spec spec = { 0 };

	box_remove(box, "/tmp");
	box_spec(&spec, (const char *const[]){ "write", "/made", NULL });
	spec.root_writable = true;
	spec.uid = spec.gid = 0;
	box_run(box, &spec, &result);
	box_assert_launched(&result);
	assert_string_equal(result.output.data, "/made: written\n");
	box_result_done(&result);
	spec_done(&spec);
	/* Shifted back: on disk it is root's. */
	SAYS(state, "/made 100644 0:0\n/tmp 41777 0:0\n", "stat", "/made", "/tmp");
	box_remove(box, "/made");
}

static void without_a_network_namespace_the_caller_s_is_shared(void **state)
{
	struct box_launch launch;
	struct spec spec = { 0 };
	struct error err;

	box_spec(&spec, (const char *const[]){ "sleep", NULL });
	spec.namespaces &= ~(unsigned long long)CLONE_NEWNET;
	assert_int_equal(box_start(*state, &spec, &launch, &err), 0);
	assert_int_equal(launch.sandbox.network, -1);
	box_finish(&launch);
	spec_done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_is_user_1000_without_groups_in_a_session_of_its_own),
		cmocka_unit_test(no_capability_is_left_in_any_set),
		cmocka_unit_test(uid_0_inside_has_no_capability_either),
		cmocka_unit_test(granted_capabilities_arrive),
		cmocka_unit_test(no_process_of_the_container_is_root_on_the_host),
		cmocka_unit_test(only_tmp_run_and_shm_can_be_written),
		cmocka_unit_test(nothing_is_shared_between_two_processes),
		cmocka_unit_test(the_writable_places_are_bounded_in_files),
		cmocka_unit_test(dev_holds_the_listed_devices_and_nothing_else),
		cmocka_unit_test(sys_is_empty_but_for_the_own_cgroup),
		cmocka_unit_test(what_proc_must_not_tell_is_masked_by_the_null_device),
		cmocka_unit_test(
			read_only_parts_of_proc_cannot_be_written_even_by_an_administrator),
		cmocka_unit_test(limits_are_those_of_the_spec),
		cmocka_unit_test(a_limit_above_isoruns_own_is_an_error_that_names_it),
		cmocka_unit_test(the_environment_is_exactly_the_spec_s),
		cmocka_unit_test(a_root_without_a_mount_point_is_one_clear_error),
		cmocka_unit_test(proc_sys_and_dev_must_be_directories),
		cmocka_unit_test(a_bad_mount_option_is_told_in_the_kernel_s_words),
		cmocka_unit_test(a_bind_shows_a_directory_of_the_host_read_only),
		cmocka_unit_test(a_writable_root_is_given_the_mount_points_it_lacks),
		cmocka_unit_test(without_a_network_namespace_the_caller_s_is_shared),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("view", tests, setup, teardown);
}
