/* The launch spec's defaults, as SECURITY's table lists them. */
#include "model/spec.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmocka.h>

static const struct spec_mount *mount_on(const struct spec *spec, const char *target)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (strcmp(spec->mounts[i].target, target) == 0)
			return &spec->mounts[i];
	return NULL;
}

static void every_scratch_mount_is_bounded_in_bytes_and_inodes(void **state)
{
	static const char *const targets[] = { "/tmp", "/run", "/dev/shm", "/dev", "/sys" };
	struct spec spec = { 0 };

	(void)state;
	spec_add_defaults(&spec, 0, false);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		const struct spec_mount *mount = mount_on(&spec, targets[i]);

		assert_non_null(mount);
		assert_string_equal(mount->type, "tmpfs");
		assert_true(mount->attributes & MOUNT_ATTR_NOEXEC);
		assert_true(mount->attributes & MOUNT_ATTR_NOSUID);
		assert_true(strncmp(mount->options.items[0], "size=", 5) == 0);
		assert_true(strncmp(mount->options.items[1], "nr_inodes=", 10) == 0);
	}
	spec_done(&spec);
}

static void only_the_scratch_mounts_may_hold_programs_where_that_is_asked_for(void **state)
{
	struct spec spec = { .uid = 1000, .gid = 1000 };

	(void)state;
	spec_add_defaults(&spec, 1 << 20, true);
	assert_false(mount_on(&spec, "/tmp")->attributes & MOUNT_ATTR_NOEXEC);
	assert_true(mount_on(&spec, "/dev")->attributes & MOUNT_ATTR_NOEXEC);
	assert_true(mount_on(&spec, "/sys")->attributes & MOUNT_ATTR_NOEXEC);
	assert_true(strv_has(&mount_on(&spec, "/tmp")->options, "size=1048576"));
	assert_true(strv_has(&mount_on(&spec, "/run")->options, "uid=1000"));
	spec_done(&spec);
}

static void a_terminal_and_nothing_else_brings_devpts(void **state)
{
	struct spec without = { 0 }, with = { .terminal = true };

	(void)state;
	spec_add_defaults(&without, 0, false);
	spec_add_defaults(&with, 0, false);
	assert_null(mount_on(&without, "/dev/pts"));
	assert_non_null(mount_on(&with, "/dev/pts"));
	spec_done(&without);
	spec_done(&with);
}

static void a_process_gets_no_capability_no_core_file_and_the_filter(void **state)
{
	struct spec spec = { 0 };

	(void)state;
	spec_add_defaults(&spec, 0, false);
	assert_int_equal(spec.capabilities.bounding | spec.capabilities.ambient, 0);
	assert_true(spec.no_new_privs);
	assert_int_equal(spec.filter, SPEC_FILTER_DEFAULT);
	assert_int_equal(spec.rlimits[0].resource, RLIMIT_CORE);
	assert_int_equal(spec.rlimits[0].hard, 0);
	assert_true(spec.namespaces & CLONE_NEWUSER);
	assert_true(strv_has(&spec.masked, "/proc/kcore"));
	assert_true(strv_has(&spec.readonly, "/proc/sys"));
	spec_done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scratch_mount_is_bounded_in_bytes_and_inodes),
		cmocka_unit_test(only_the_scratch_mounts_may_hold_programs_where_that_is_asked_for),
		cmocka_unit_test(a_terminal_and_nothing_else_brings_devpts),
		cmocka_unit_test(a_process_gets_no_capability_no_core_file_and_the_filter),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
