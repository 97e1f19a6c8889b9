/* OCI config.json files: what they turn into, and what is said of bad ones. */
#include "model/ociconfig.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmocka.h>

static const char whole[] =
	"{\"ociVersion\": \"1.0.2\",\n"
	" \"process\": {\"terminal\": false, \"user\": {\"uid\": 1000, \"gid\": 100,\n"
	"  \"additionalGids\": [5, 6]}, \"args\": [\"sh\", \"-c\", \"true\"],\n"
	"  \"env\": [\"PATH=/bin\"], \"cwd\": \"/work\",\n"
	"  \"capabilities\": {\"bounding\": [\"CAP_KILL\", \"CAP_CHOWN\"],\n"
	"   \"effective\": [\"CAP_KILL\"]},\n"
	"  \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 512}],\n"
	"  \"noNewPrivileges\": true, \"oomScoreAdj\": 100},\n"
	" \"root\": {\"path\": \"rootfs\", \"readonly\": true}, \"hostname\": \"box\",\n"
	" \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
	"  {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
	"   \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},\n"
	"  {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"options\": [\"ro\"]},\n"
	"  {\"destination\": \"/data\", \"source\": \"/srv\", \"options\": [\"rbind\", \"ro\"]}],\n"
	" \"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"mount\"},\n"
	"   {\"type\": \"user\"}, {\"type\": \"uts\"}],\n"
	"  \"uidMappings\": [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}],\n"
	"  \"gidMappings\": [{\"containerID\": 0, \"hostID\": 200000, \"size\": 65536}],\n"
	"  \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n"
	"  \"maskedPaths\": [\"/proc/kcore\"], \"readonlyPaths\": [\"/proc/sys\"]}}\n";

static void the_ten_fields_become_a_launch_spec(void **state)
{
	struct spec spec;
	struct error err;
	char *root;

	(void)state;
	if (ociconfig_parse("config.json", whole, strlen(whole), &spec, &root, &err) < 0)
		fail_msg("%s", err.text);

	assert_string_equal(root, "rootfs");
	assert_string_equal(spec.argv.items[2], "true");
	assert_string_equal(spec.env.items[0], "PATH=/bin");
	assert_string_equal(spec.cwd, "/work");
	assert_string_equal(spec.hostname, "box");
	assert_int_equal(spec.uid, 1000);
	assert_int_equal(spec.gid, 100);
	assert_int_equal(spec.group_count, 2);
	assert_int_equal(spec.groups[1], 6);
	assert_int_equal(spec.umask, 022);
	assert_int_equal(spec.capabilities.bounding, 1 << 5 | 1);
	assert_int_equal(spec.capabilities.effective, 1 << 5);
	assert_int_equal(spec.capabilities.permitted, 0);
	assert_int_equal(spec.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(spec.rlimits[0].soft, 512);
	assert_true(spec.no_new_privs);
	assert_int_equal(spec.oom_score_adj, 100);
	assert_false(spec.root_writable);
	assert_false(spec.init);
	assert_int_equal(spec.filter, SPEC_FILTER_NONE);
	assert_int_equal(
		spec.namespaces, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWUTS);
	assert_int_equal(spec.uid_maps[0].outside, 100000);
	assert_int_equal(spec.gid_maps[0].outside, 200000);
	assert_int_equal(spec.gid_map_count, 1);
	assert_string_equal(spec.masked.items[0], "/proc/kcore");
	assert_string_equal(spec.readonly.items[0], "/proc/sys");
	spec_done(&spec);
	free(root);
}

static void mount_options_are_sorted_into_attributes_and_the_file_systems_own(void **state)
{
	struct spec spec;
	struct error err;
	char *root;

	(void)state;
	assert_int_equal(
		ociconfig_parse("config.json", whole, strlen(whole), &spec, &root, &err), 0);
	assert_true(spec.default_devices);
	assert_int_equal(spec.mounts[1].attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
	assert_int_equal(spec.mounts[1].options.len, 2);
	assert_string_equal(spec.mounts[1].options.items[0], "mode=755");
	assert_string_equal(spec.mounts[2].type, "cgroup2");
	assert_string_equal(spec.mounts[3].type, "rbind");
	assert_string_equal(spec.mounts[3].source, "/srv");
	assert_int_equal(spec.mounts[3].attributes, MOUNT_ATTR_RDONLY);
	spec_done(&spec);
	free(root);
}

/* The whole config with the first occurrence of from replaced. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(whole, from);
	char *text;

	assert_non_null(at);
	assert_true(
		asprintf(&text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from)) > 0);
	return text;
}

static void is_error(const char *from, const char *to, const char *expected)
{
	struct spec spec = { .umask = 077 };
	struct error err;
	char *root = NULL;
	char *text = changed(from, to);

	assert_int_equal(
		ociconfig_parse("config.json", text, strlen(text), &spec, &root, &err), -1);
	assert_string_equal(err.text, expected);
	assert_int_equal(spec.umask, 077);
	assert_null(root);
	free(text);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	(void)state;
	is_error("\"1.0.2\"", "\"2.0.0\"", "config.json:1: $.ociVersion: version 2.0.0 is not 1.x");
	is_error("\"sh\", \"-c\", \"true\"", "",
		"config.json:2: $.process: args is missing or empty");
	is_error("\"/work\"", "\"work\"", "config.json:2: $.process: cwd must be an absolute path");
	is_error("CAP_CHOWN", "CAP_COFFEE",
		"config.json:5: $.process.capabilities.bounding[1]: there is no capability "
		"\"CAP_COFFEE\"");
	is_error("RLIMIT_NOFILE", "RLIMIT_COFFEE",
		"config.json:7: $.process.rlimits[0].type: there is no limit \"RLIMIT_COFFEE\"");
	is_error("{\"type\": \"pid\"}, {\"type\": \"mount\"}", "{\"type\": \"pid\"}",
		"config.json:15: $.linux: a container needs a mount namespace of its own");
	is_error("{\"type\": \"uts\"}", "{\"type\": \"pid\"}",
		"config.json:16: $.linux.namespaces[3].type: \"pid\" is there twice");
	is_error("\"rbind\", \"ro\"", "\"rbind\", \"rshared\"",
		"config.json:14: $.mounts[3].options[1]: \"rshared\" is not supported");
	is_error("\"source\": \"/srv\"", "\"source\": \"srv\"",
		"config.json:14: $.mounts[3]: the source of a bind must be absolute");
}

static void an_id_that_does_not_fit_is_refused_and_never_becomes_root(void **state)
{
	(void)state;
	is_error("\"uid\": 1000", "\"uid\": 4294967296",
		"config.json:2: $.process.user.uid: must be from 0 to 4294967294");
	is_error("\"uid\": 1000", "\"uid\": 4294967295",
		"config.json:2: $.process.user.uid: must be from 0 to 4294967294");
	is_error("\"uid\": 1000", "\"uid\": -1",
		"config.json:2: $.process.user.uid: must be from 0 to 4294967294");
	is_error("\"uid\": 1000", "\"uid\": \"1000\"",
		"config.json:2: $.process.user.uid: must be a whole number, is a string");
}

static void what_would_weaken_the_container_if_ignored_is_refused(void **state)
{
	(void)state;
	is_error("\"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]}",
		"\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\"}",
		"config.json:19: $.linux.seccomp: not supported");
	is_error("{\"type\": \"pid\"}", "{\"type\": \"pid\", \"path\": \"/proc/1/ns/pid\"}",
		"config.json:15: $.linux.namespaces[0].path: not supported");
	is_error("\"noNewPrivileges\": true", "\"apparmorProfile\": \"strict\"",
		"config.json:8: $.process.apparmorProfile: not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ten_fields_become_a_launch_spec),
		cmocka_unit_test(mount_options_are_sorted_into_attributes_and_the_file_systems_own),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
		cmocka_unit_test(an_id_that_does_not_fit_is_refused_and_never_becomes_root),
		cmocka_unit_test(what_would_weaken_the_container_if_ignored_is_refused),
	};

	return cmocka_run_group_tests_name("ociconfig", tests, NULL, NULL);
}
