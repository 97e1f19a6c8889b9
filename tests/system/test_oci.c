/* An OCI config.json runs through the same engine: what `runc spec` writes, as it is, and with a
 * user namespace. */
#include "../support/box.h"
#include "base/memory.h"
#include "model/ociconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* With the command's words, more members of linux, and one more namespace filled in. */
static const char config[] =
	"{\"ociVersion\": \"1.0.2-dev\", \"process\": {\"user\": {\"uid\": 0, \"gid\": 0},"
	" \"args\": [\"/bin/probe\", %s], \"env\": [\"PATH=/bin\", \"TERM=xterm\"],"
	" \"cwd\": \"/\", \"capabilities\": {"
	" \"bounding\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
	" \"effective\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
	" \"permitted\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]},"
	" \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],"
	" \"noNewPrivileges\": true},"
	" \"root\": {\"path\": \"rootfs\", \"readonly\": true}, \"hostname\": \"runc\","
	" \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},"
	" {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\":"
	"  [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},"
	" {\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\","
	"  \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\","
	"  \"mode=0620\", \"gid=5\"]},"
	" {\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\","
	"  \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},"
	" {\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\","
	"  \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},"
	" {\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\","
	"  \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},"
	" {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
	"  \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}],"
	" \"linux\": {%s \"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\"},"
	"  {\"type\": \"ipc\"}, {\"type\": \"uts\"}, {\"type\": \"mount\"},"
	"  {\"type\": \"cgroup\"} %s],"
	" \"maskedPaths\": [\"/proc/acpi\", \"/proc/kcore\", \"/proc/keys\","
	"  \"/proc/timer_list\", \"/sys/firmware\"],"
	" \"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\","
	"  \"/proc/sysrq-trigger\"]}}";

static const char maps[] =
	"\"uidMappings\": [{\"containerID\": 0, \"hostID\": 1000000, \"size\": 65536}],"
	" \"gidMappings\": [{\"containerID\": 0, \"hostID\": 1000000, \"size\": 65536}],";

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

static void run(void **state, const char *words, bool user, struct box_result *ret)
{
	char *text = memory_format(
		config, words, user ? maps : "", user ? ", {\"type\": \"user\"}" : "");
	struct spec spec;
	struct error err;
	char *root;

	if (ociconfig_parse("config.json", text, strlen(text), &spec, &root, &err) < 0)
		fail_msg("%s", err.text);
	box_run(*state, &spec, ret);
	box_assert_launched(ret);
	spec_done(&spec);
	free(root);
	free(text);
}

static void shows(const struct box_result *result, const char *line)
{
	if (!strstr(result->output.data, line))
		fail_msg("no \"%s\" in:\n%s", line, result->output.data);
}

static void a_config_as_runc_writes_it_runs_as_pid_1(void **state)
{
	struct box_result result;

	run(state, "\"self\"", false, &result);
	shows(&result, "uid 0 0 gid 0 0 groups 0\npid 1 session 1 dumpable 1\ncwd /\nhost runc\n");
	assert_int_equal(result.status, 0);
	box_result_done(&result);
}

static void it_has_the_capabilities_that_it_names_and_no_filter(void **state)
{
	struct box_result result;

	run(state, "\"cat\", \"/proc/self/status\"", false, &result);
	shows(&result, "CapBnd:\t0000000020000420");
	shows(&result, "CapEff:\t0000000020000420");
	shows(&result, "CapInh:\t0000000000000000");
	shows(&result, "Seccomp:\t0");
	shows(&result, "NoNewPrivs:\t1");
	box_result_done(&result);
}

static void its_dev_has_the_devices_of_the_specification(void **state)
{
	struct box_result result;

	run(state, "\"ls\", \"/dev\"", false, &result);
	assert_string_equal(result.output.data,
		"fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\n"
		"urandom\nzero\n");
	box_result_done(&result);
}

static void with_a_user_namespace_its_root_is_nobody_on_the_host(void **state)
{
	struct box_result result;

	run(state, "\"cat\", \"/proc/self/uid_map\"", true, &result);
	shows(&result, "0    1000000      65536");
	box_result_done(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_as_runc_writes_it_runs_as_pid_1),
		cmocka_unit_test(it_has_the_capabilities_that_it_names_and_no_filter),
		cmocka_unit_test(its_dev_has_the_devices_of_the_specification),
		cmocka_unit_test(with_a_user_namespace_its_root_is_nobody_on_the_host),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("oci", tests, setup, teardown);
}
