/* cgroups as values: what is read from the kernel's texts, and what limits become. */
#include "../../src/kernel/cgroup_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char hybrid[] =
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw\n"
	"99 31 0:38 /user.slice /mnt/with\\040space rw - cgroup2 none rw\n";

static void assert_own(const char *text, const char *wanted)
{
	char *own = cgroup_plan_own(text);

	if (wanted)
		assert_string_equal(own, wanted);
	else
		assert_null(own);
	free(own);
}

static void the_own_cgroup_is_the_line_without_a_controller(void **state)
{
	(void)state;
	assert_own("0::/user.slice/a.scope\n", "/user.slice/a.scope");
	assert_own("9:name=systemd:/x\n4:memory:/y\n0::/\n", "/");
	assert_own("0::/last/without/newline", "/last/without/newline");
}

static void a_cgroup_outside_the_namespace_is_none(void **state)
{
	(void)state;
	assert_own("0::/../elsewhere\n", NULL);
	assert_own("9:name=systemd:/x\n", NULL);
	assert_own("", NULL);
	assert_own("10::/not/this\n", NULL);
}

static void places_are_those_of_cgroup2_mounts_that_show_the_path(void **state)
{
	CLEANUP_STRV struct strv root = { 0 }, user = { 0 }, similar = { 0 };

	(void)state;
	cgroup_plan_places(hybrid, "/", &root);
	assert_int_equal(root.len, 1);
	assert_string_equal(root.items[0], "/sys/fs/cgroup/unified/");

	cgroup_plan_places(hybrid, "/user.slice/a.scope", &user);
	assert_int_equal(user.len, 2);
	assert_string_equal(user.items[0], "/mnt/with space/a.scope");
	assert_string_equal(user.items[1], "/sys/fs/cgroup/unified/user.slice/a.scope");

	cgroup_plan_places(hybrid, "/user.slice2", &similar);
	assert_int_equal(similar.len, 1);
}

static void broken_mountinfo_gives_no_place(void **state)
{
	CLEANUP_STRV struct strv places = { 0 };

	(void)state;
	cgroup_plan_places("\n - cgroup2 \n1 2 3 - cgroup2 x\n", "/", &places);
	for (size_t i = 0; i < places.len; i++)
		assert_true(places.items[i][0] != '/');
}

static void controllers_are_read_whole_words_only(void **state)
{
	(void)state;
	assert_int_equal(cgroup_plan_controllers("cpuset cpu io memory hugetlb pids\n"),
		CGROUP_CPU | CGROUP_IO | CGROUP_MEMORY | CGROUP_PIDS);
	assert_int_equal(cgroup_plan_controllers("cpuset hugetlb\n"), 0);
	assert_int_equal(cgroup_plan_controllers(""), 0);
}

static void controllers_are_named_in_one_order(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(
		cgroup_names(CGROUP_PIDS | CGROUP_CPU | CGROUP_MEMORY, text), "cpu, memory, pids");
	assert_string_equal(cgroup_names(0, text), "");
	cgroup_plan_enable(CGROUP_MEMORY | CGROUP_PIDS, text);
	assert_string_equal(text, "+memory +pids");
}

static void assert_write(const struct cgroup_write *write, const char *file, const char *text)
{
	assert_string_equal(write->file, file);
	assert_string_equal(write->text, text);
}

static void all_limits_become_writes(void **state)
{
	const struct cgroup_limits limits = { .memory = 268435456, .cpu_milli = 500, .pids = 64 };
	struct cgroup_write writes[CGROUP_WRITES];
	unsigned missing;
	size_t count;

	(void)state;
	count = cgroup_plan_limits(
		&limits, CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS, writes, &missing);
	assert_int_equal(count, 5);
	assert_write(&writes[0], "memory.max", "268435456");
	assert_write(&writes[1], "memory.swap.max", "0");
	assert_true(writes[1].optional);
	assert_write(&writes[2], "memory.oom.group", "1");
	assert_write(&writes[3], "cpu.max", "50000 100000");
	assert_write(&writes[4], "pids.max", "64");
	assert_int_equal(missing, 0);
}

static void a_small_share_of_a_processor_gets_a_long_period(void **state)
{
	const struct cgroup_limits limits = { .cpu_milli = 1 };
	struct cgroup_write writes[CGROUP_WRITES];
	unsigned missing;

	(void)state;
	assert_int_equal(cgroup_plan_limits(&limits, CGROUP_CPU, writes, &missing), 1);
	assert_write(&writes[0], "cpu.max", "1000 1000000");
}

static void limits_without_their_controller_are_missing(void **state)
{
	const struct cgroup_limits limits = { .memory = 1, .cpu_milli = 1, .pids = 1 };
	const struct cgroup_limits none = { 0 };
	struct cgroup_write writes[CGROUP_WRITES];
	unsigned missing;

	(void)state;
	assert_int_equal(cgroup_plan_limits(&limits, 0, writes, &missing), 0);
	assert_int_equal(missing, CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS);
	assert_int_equal(cgroup_plan_limits(&limits, CGROUP_PIDS, writes, &missing), 1);
	assert_int_equal(missing, CGROUP_CPU | CGROUP_MEMORY);
	assert_int_equal(cgroup_plan_limits(&none, 0, writes, &missing), 0);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_cgroup_is_the_line_without_a_controller),
		cmocka_unit_test(a_cgroup_outside_the_namespace_is_none),
		cmocka_unit_test(places_are_those_of_cgroup2_mounts_that_show_the_path),
		cmocka_unit_test(broken_mountinfo_gives_no_place),
		cmocka_unit_test(controllers_are_read_whole_words_only),
		cmocka_unit_test(controllers_are_named_in_one_order),
		cmocka_unit_test(all_limits_become_writes),
		cmocka_unit_test(a_small_share_of_a_processor_gets_a_long_period),
		cmocka_unit_test(limits_without_their_controller_are_missing),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
