/* Releases: joined, printed, read back, and turned into a launch spec. */
#include "model/release.h"

#include "base/memory.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static const char guestbook[] =
	"{ \"name\": \"guestbook\","
	"  \"processes\": {"
	"    \"web\": { \"command\": [\"python3\", \"-m\", \"guestbook.web\"], \"port\": true,"
	"      \"ready\": { \"http\": \"/healthz\", \"timeout\": \"60s\" },"
	"      \"stop\": { \"signal\": \"SIGTERM\", \"timeout\": \"10s\" },"
	"      \"limits\": { \"memory\": \"256M\", \"cpu\": 0.1, \"pids\": 256, \"tmp\": \"64M\" },"
	"      \"quantity\": 2 },"
	"    \"worker\": { \"command\": \"python3 -m guestbook.worker $QUEUE\" },"
	"    \"release\": { \"command\": \"python3 -m guestbook.migrate\" } },"
	"  \"env\": { \"SECRET_KEY\": { \"required\": true, \"description\": \"signs cookies\" },"
	"    \"GREETING\": { \"value\": \"hi\" } },"
	"  \"services\": { \"cache\": { \"env\": \"REDIS_URL\", \"required\": true } } }";

static void manifest_of(const char *text, struct manifest *ret)
{
	struct error err = { 0 };

	if (manifest_parse("isorun.json", text, strlen(text), NULL, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void config_of(const char *text, struct config *ret)
{
	struct error err = { 0 };

	if (config_parse("config.json", text, strlen(text), ret, &err) < 0)
		fail_msg("%s", err.text);
}

static int join(
	const char *manifest_text, const char *config_text, struct release *ret, struct error *err)
{
	struct manifest manifest;
	struct config config;
	int result;

	manifest_of(manifest_text, &manifest);
	config_of(config_text, &config);
	result = release_join(&manifest, &config, NULL, ret, err);
	manifest_done(&manifest);
	config_done(&config);
	return result;
}

static const char staging[] =
	"{ \"deploy\": \"staging\", \"env\": { \"GREETING\": \"hello\", \"SECRET_KEY\": \"s\","
	"    \"QUEUE\": \"a b\" },"
	"  \"services\": { \"cache\": \"redis://127.0.0.1:6379/0\" },"
	"  \"formation\": { \"worker\": 1 }, \"limits\": { \"worker\": { \"memory\": \"512M\" } } "
	"}";

static void join_staging(struct release *ret)
{
	struct error err = { 0 };

	if (join(guestbook, staging, ret, &err) < 0)
		fail_msg("%s", err.text);
	ret->commit = memory_copy_str("0123456789abcdef0123456789abcdef01234567+dirty");
	ret->layers = memory_new(2, sizeof *ret->layers);
	ret->layer_count = 2;
	digest_bytes("a", 1, &ret->layers[0]);
	digest_bytes("b", 1, &ret->layers[1]);
	digest_bytes("c", 1, &ret->build);
}

static void a_release_holds_what_manifest_and_config_decide(void **state)
{
	struct release release;
	const struct process_type *web, *worker;

	(void)state;
	join_staging(&release);

	web = release_process(&release, "web");
	worker = release_process(&release, "worker");
	assert_string_equal(release.app, "guestbook");
	assert_string_equal(release.deploy, "staging");
	assert_int_equal(web->quantity, 2);
	assert_int_equal(worker->quantity, 1);
	assert_int_equal(worker->limits.memory, 512 << 20);
	assert_string_equal(strv_env_get(&release.env, "GREETING"), "hello");
	assert_string_equal(strv_env_get(&release.env, "REDIS_URL"), "redis://127.0.0.1:6379/0");
	assert_string_equal(strv_env_get(&release.services, "cache"), "REDIS_URL");
	assert_int_equal(release.port_count, 1);
	assert_string_equal(release.ports[0].address, "127.0.0.1");
	assert_int_equal(release.ports[0].port, 5000);
	release_done(&release);
}

static void printing_and_reading_a_release_are_exact(void **state)
{
	struct release release, again;
	struct buf first = { 0 }, second = { 0 };
	struct error err = { 0 };
	json_t *value;

	(void)state;
	join_staging(&release);
	value = release_print(&release);
	json_print(value, false, &first);
	json_decref(value);

	if (release_parse("release", first.data, first.len, &again, &err) < 0)
		fail_msg("%s", err.text);

	value = release_print(&again);
	json_print(value, false, &second);
	json_decref(value);
	assert_string_equal(first.data, second.data);
	assert_int_equal(again.env.len, release.env.len);
	buf_done(&first);
	buf_done(&second);
	release_done(&release);
	release_done(&again);
}

static void a_missing_required_variable_is_named_with_its_purpose(void **state)
{
	struct release release;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		join(guestbook, "{\"services\":{\"cache\":\"redis://h\"}}", &release, &err), -1);

	assert_string_equal(
		err.text, "release: SECRET_KEY is required and not set (signs cookies)");
	assert_string_equal(err.hint, "-e SECRET_KEY=…");
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void a_service_is_attached_by_the_variable_that_the_deploy_sets(void **state)
{
	static const char config[] =
		"{ \"env\": { \"SECRET_KEY\": \"s\", \"REDIS_URL\": \"redis://a:1\" } }";
	static const char both[] =
		"{ \"env\": { \"SECRET_KEY\": \"s\", \"REDIS_URL\": \"redis://a:1\" },"
		"  \"services\": { \"cache\": \"redis://b:2\" } }";
	struct error err = { 0 };
	struct release release;

	(void)state;
	assert_int_equal(join(guestbook, config, &release, &err), 0);
	assert_string_equal(release.services.items[0], "cache=REDIS_URL");
	assert_string_equal(strv_env_get(&release.env, "REDIS_URL"), "redis://a:1");
	release_done(&release);

	assert_int_equal(join(guestbook, both, &release, &err), 0);
	assert_string_equal(strv_env_get(&release.env, "REDIS_URL"), "redis://b:2");
	release_done(&release);
}

static void a_secret_that_nobody_made_up_is_required(void **state)
{
	static const char manifest[] =
		"{ \"name\": \"a\", \"processes\": { \"web\": { \"command\": \"x\" } },"
		"  \"env\": { \"KEY\": { \"generator\": \"secret\" } } }";
	struct error err = { 0 };
	struct release release;

	(void)state;
	assert_int_equal(join(manifest, "{}", &release, &err), -1);
	assert_string_equal(err.text, "release: KEY is required and not set");
	assert_int_equal(join(manifest, "{ \"env\": { \"KEY\": \"k\" } }", &release, &err), 0);
	release_done(&release);
}

static void the_environment_of_a_process_is_closed_and_in_order(void **state)
{
	static const char *const expected[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/app",
		"LANG=C.UTF-8",
		"TMPDIR=/tmp",
		"GREETING=hello",
		"QUEUE=a b",
		"REDIS_URL=redis://127.0.0.1:6379/0",
		"SECRET_KEY=s",
		"PORT=5000",
		"ISORUN_APP=guestbook",
		"ISORUN_DEPLOY=staging",
		"ISORUN_RELEASE=v7-3f9a1c20be44",
		"ISORUN_COMMIT=0123456789abcdef0123456789abcdef01234567+dirty",
		"ISORUN_PROCESS=worker.1",
		"DYNO=worker.1",
	};
	struct release release;
	struct spec spec;
	struct release_launch launch = { .instance = "worker.1",
		.version = "v7-3f9a1c20be44",
		.ids = { .uid = 200000, .gid = 200000 } };

	(void)state;
	join_staging(&release);
	launch.type = release_process(&release, "worker");

	release_spec(&release, &launch, &spec);

	assert_int_equal(spec.env.len, sizeof expected / sizeof *expected);
	for (size_t i = 0; i < spec.env.len; i++)
		assert_string_equal(spec.env.items[i], expected[i]);
	assert_int_equal(spec.argv.len, 5);
	assert_string_equal(spec.argv.items[3], "a");
	assert_string_equal(spec.argv.items[4], "b");
	spec_done(&spec);
	release_done(&release);
}

static void the_spec_of_a_process_is_confined_as_promised(void **state)
{
	struct release release;
	struct spec spec;
	struct release_launch launch = { .instance = "web.2",
		.version = "v1-0",
		.ids = { .uid = 200000, .gid = 200000 },
		.terminal = true,
		.term = "xterm",
		.columns = 80,
		.rows = 24 };

	(void)state;
	join_staging(&release);
	launch.type = release_process(&release, "web");

	release_spec(&release, &launch, &spec);

	assert_string_equal(spec.hostname, "web.2");
	assert_true(spec.namespaces == (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
					       CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP));
	assert_int_equal(spec.uid_map_count, 1);
	assert_int_equal(spec.uid_maps[0].inside, 0);
	assert_int_equal(spec.uid_maps[0].outside, 200000);
	assert_int_equal(spec.gid_maps[0].count, 65536);
	assert_int_equal(spec.uid, 1000);
	assert_int_equal(spec.gid, 1000);
	assert_string_equal(spec.cwd, "/app");
	assert_true(spec.no_new_privs);
	assert_true(spec.init);
	assert_int_equal(spec.filter, SPEC_FILTER_DEFAULT);
	assert_int_equal(spec.capabilities.bounding | spec.capabilities.permitted |
				 spec.capabilities.effective | spec.capabilities.inheritable |
				 spec.capabilities.ambient,
		0);
	assert_int_equal(spec.limits.memory, 256 << 20);
	assert_int_equal(spec.limits.cpu_milli, 100);
	assert_int_equal(spec.limits.pids, 256);
	assert_string_equal(spec.env.items[spec.env.len - 3], "TERM=xterm");
	assert_string_equal(spec.env.items[spec.env.len - 2], "COLUMNS=80");
	assert_string_equal(spec.env.items[spec.env.len - 1], "LINES=24");
	spec_done(&spec);
	release_done(&release);
}

static void no_process_dumps_core_or_forks_without_end(void **state)
{
	struct release release;
	struct spec spec;
	struct release_launch launch = { .instance = "worker.1", .version = "v1-0" };
	bool core = false;

	(void)state;
	join_staging(&release);
	launch.type = release_process(&release, "worker");

	release_spec(&release, &launch, &spec);

	for (size_t i = 0; i < spec.rlimit_count; i++)
		core |= spec.rlimits[i].resource == RLIMIT_CORE && spec.rlimits[i].soft == 0 &&
			spec.rlimits[i].hard == 0;
	assert_true(core);
	assert_int_equal(spec.limits.pids, 1024);
	spec_done(&spec);
	release_done(&release);
}

static void a_one_off_differs_only_in_its_command_and_name(void **state)
{
	struct release release;
	struct strv argv = { 0 };
	struct spec instance, one_off;
	struct release_launch launch = { .instance = "worker.1", .version = "v1-0" };

	(void)state;
	join_staging(&release);
	launch.type = release_process(&release, "worker");
	release_spec(&release, &launch, &instance);
	strv_add(&argv, "echo");
	strv_add(&argv, "$QUEUE");
	launch.argv = &argv;
	launch.instance = "run.1";

	release_spec(&release, &launch, &one_off);

	assert_string_equal(one_off.argv.items[1], "$QUEUE");
	assert_string_equal(one_off.hostname, "run.1");
	assert_string_equal(strv_env_get(&one_off.env, "DYNO"), "run.1");
	assert_int_equal(one_off.env.len, instance.env.len);
	for (size_t i = 0; i < instance.env.len; i++)
		if (strcmp(instance.env.items[i], "ISORUN_PROCESS=worker.1") != 0 &&
			strcmp(instance.env.items[i], "DYNO=worker.1") != 0)
			assert_string_equal(one_off.env.items[i], instance.env.items[i]);
	spec_done(&instance);
	spec_done(&one_off);
	strv_done(&argv);
	release_done(&release);
}

static void what_the_image_sets_is_weaker_than_all_else(void **state)
{
	struct manifest manifest;
	struct config config;
	struct release release;
	struct strv image = { 0 };
	struct error err = { 0 };

	(void)state;
	manifest_of("{\"name\":\"a\",\"processes\":{\"web\":{\"command\":\"x\",\"port\":true}},"
		    "\"env\":{\"B\":\"manifest\",\"C\":\"manifest\"}}",
		&manifest);
	config_of("{\"env\":{\"C\":\"config\"}}", &config);
	strv_add(&image, "A=image");
	strv_add(&image, "B=image");
	strv_add(&image, "PORT=80");
	strv_add(&image, "ISORUN_APP=other");
	strv_add(&image, "BARE");
	strv_add(&image, "=x");

	if (release_join(&manifest, &config, &image, &release, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(release.env.len, 3);
	assert_string_equal(release.env.items[0], "A=image");
	assert_string_equal(release.env.items[1], "B=manifest");
	assert_string_equal(release.env.items[2], "C=config");
	assert_string_equal(release.deploy, "dev");
	strv_done(&image);
	release_done(&release);
	config_done(&config);
	manifest_done(&manifest);
}

static void a_config_that_does_not_fit_the_manifest_is_refused(void **state)
{
	static const struct {
		const char *config, *error, *hint;
	} rows[] = {
		{ "{\"env\":{\"SECRET_KEY\":\"\"},\"services\":{\"cache\":\"redis://h\"}}",
			"release: SECRET_KEY is required and empty (signs cookies)",
			"-e SECRET_KEY=…" },
		{ "{\"env\":{\"SECRET_KEY\":\"s\"}}",
			"release: service cache is required and not attached",
			"--attach cache=URL, which becomes REDIS_URL" },
		{ "{\"services\":{\"cache\":\"\"}}",
			"release: service cache is required and not attached",
			"--attach cache=URL, which becomes REDIS_URL" },
		{ "{\"services\":{\"cash\":\"redis://h\"}}",
			"release: services: the app declares no service \"cash\"",
			"it declares cache" },
		{ "{\"services\":{\"cache\":\"redis://h:0\"}}",
			"release: service cache: its port is not a number from 1 to 65535", "" },
		{ "{\"services\":{\"cache\":\"mongodb+srv://h\"}}",
			"release: service cache: its hosts are in SRV records, and a gate stands "
			"for "
			"one",
			"\"egress\": \"open\" in the config lets the app connect by itself" },
		{ "{\"services\":{\"cache\":\"redis://h\"},\"egress\":\"none\"}",
			"release: service cache is attached, and with \"egress\": \"none\" nothing "
			"gets there",
			"--attach cache= detaches it" },
		{ "{\"formation\":{\"wrb\":1}}",
			"release: formation: the app has no process type \"wrb\"",
			"it has: release, web, worker" },
		{ "{\"formation\":{\"release\":1}}",
			"release: formation: the release phase is never scaled", "" },
		{ "{\"formation\":{\"web\":600,\"worker\":401}}",
			"release: formation: more than 1000 instances", "" },
		{ "{\"limits\":{\"x\":{}}}", "release: limits: the app has no process type \"x\"",
			"it has: release, web, worker" },
		{ "{\"ports\":{\"x\":1}}", "release: ports: the app has no process type \"x\"",
			"it has: release, web, worker" },
		{ "{\"ports\":{\"worker\":1}}",
			"release: ports: process type \"worker\" has no port",
			"say \"port\": true in the manifest" },
		{ "{\"ports\":{\"web\":[80,\"*:80\"]}}",
			"release: ports: *:80 is given to web and to web", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct release release;
		struct error err = { 0 };

		if (join(guestbook, rows[i].config, &release, &err) == 0)
			fail_msg("%s is joined", rows[i].config);
		assert_string_equal(err.text, rows[i].error);
		assert_string_equal(err.hint, rows[i].hint);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static void with_open_egress_any_service_may_be_attached(void **state)
{
	struct release release;
	struct error err = { 0 };

	(void)state;
	if (join(guestbook,
		    "{\"env\":{\"SECRET_KEY\":\"s\"},\"egress\":\"open\","
		    "\"services\":{\"cache\":\"redis+sentinel://a:1,b:2\"}}",
		    &release, &err) < 0)
		fail_msg("%s", err.text);

	assert_string_equal(strv_env_get(&release.env, "REDIS_URL"), "redis+sentinel://a:1,b:2");
	release_done(&release);
}

static void an_empty_list_of_ports_publishes_nothing(void **state)
{
	struct release release;
	struct error err = { 0 };

	(void)state;
	if (join("{\"name\":\"a\",\"processes\":{\"web\":{\"command\":\"x\",\"port\":true}}}",
		    "{\"ports\":{}}", &release, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(release.port_count, 0);
	release_done(&release);
}

static void a_strangers_release_is_checked_in_every_member(void **state)
{
	static const struct {
		const char *old, *new, *error;
	} rows[] = {
		{ "\"version\":1", "\"version\":2",
			"release:1: $.version: is 2, this isorun reads 1" },
		{ "\"app\":\"guestbook\"", "\"app\":\"../etc\"",
			"release:1: $.app: \"../etc\" is not an app name (lower-case letters, "
			"digits and inner -, at most 63)" },
		{ "\"deploy\":\"staging\"", "\"deploy\":\"a/b\"",
			"release:1: $.deploy: \"a/b\" is not a deploy name (lower-case letters, "
			"digits and inner -, at most 63)" },
		{ "\"uid\":1000", "\"uid\":-1", "release:1: $.uid: must be from 0 to 65534" },
		{ "\"uid\":1000", "\"uid\":4294967296",
			"release:1: $.uid: must be from 0 to 65534" },
		{ "\"gid\":1000", "\"gid\":\"1000\"",
			"release:1: $.gid: must be a whole number, is a string" },
		{ "\"cwd\":\"/app\"", "\"cwd\":\"app\"",
			"release:1: $.cwd: must be an absolute path" },
		{ "+dirty", "+../..",
			"release:1: $.commit: \"0123456789abcdef0123456789abcdef01234567+../..\" "
			"is not a commit" },
		{ "\"layers\":[\"sha256:", "\"layers\":[\"sha512:",
			"release:1: $.layers[0]: \"sha512:ca978112ca1bbdcafac231b39a23dc4da786eff"
			"8147c4e72b9807785afee48bb\" is not a SHA-256 digest" },
		{ "\"GREETING\":\"hello\"", "\"GREE=ING\":\"hello\"",
			"release:1: $.env: \"GREE=ING\" is not a variable name" },
		{ "\"cache\":\"REDIS_URL\"", "\"cache\":\"OTHER_URL\"",
			"release:1: $.services.cache: OTHER_URL is not in \"env\"" },
		{ "\"ports\":{\"web\"", "\"ports\":{\"wob\"",
			"release:1: $.ports: \"wob\" has no port to publish" },
		{ "127.0.0.1:5000", "127.0.0.x:5000",
			"release:1: $.ports.web[0]: \"127.0.0.x\" is not an address" },
		{ "\"quantity\":2", "\"quantity\":1000",
			"release:1: $.processes: more than 1000 instances" },
		{ "\"egress\"", "\"egres\"", "release:1: $.egres: unknown key" },
	};
	struct release release;
	struct buf good = { 0 };
	json_t *value;

	(void)state;
	join_staging(&release);
	value = release_print(&release);
	json_print(value, false, &good);
	json_decref(value);
	release_done(&release);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(good.data, rows[i].old);
		struct error err = { 0 };
		char *text;

		assert_non_null(at);
		text = memory_format("%.*s%s%s", (int)(at - good.data), good.data, rows[i].new,
			at + strlen(rows[i].old));
		if (release_parse("release", text, strlen(text), &release, &err) == 0)
			fail_msg("%s is read", rows[i].new);
		assert_string_equal(err.text, rows[i].error);
		free(text);
	}
	buf_done(&good);
}

static void every_cut_of_a_release_is_refused(void **state)
{
	struct release release;
	struct buf good = { 0 };
	json_t *value;

	(void)state;
	join_staging(&release);
	value = release_print(&release);
	json_print(value, false, &good);
	json_decref(value);
	release_done(&release);
	for (size_t len = 0; len < good.len; len++) {
		char *cut = calloc(len + 1, 1);
		struct error err = { 0 };

		memcpy(cut, good.data, len);
		assert_int_equal(release_parse("release", cut, len, &release, &err), -1);
		free(cut);
	}
	buf_done(&good);
}

static void a_long_instance_name_keeps_its_number_in_the_host_name(void **state)
{
	struct release release;
	struct spec spec;
	struct release_launch launch = {
		.instance = "a23456789012345678901234567890123456789012345678901234567890abc.1000",
		.version = "v1-0"
	};

	(void)state;
	join_staging(&release);
	launch.type = release_process(&release, "worker");

	release_spec(&release, &launch, &spec);

	assert_int_equal(strlen(spec.hostname), 64);
	assert_string_equal(spec.hostname + 59, ".1000");
	spec_done(&spec);
	release_done(&release);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_release_holds_what_manifest_and_config_decide),
		cmocka_unit_test(printing_and_reading_a_release_are_exact),
		cmocka_unit_test(a_missing_required_variable_is_named_with_its_purpose),
		cmocka_unit_test(a_service_is_attached_by_the_variable_that_the_deploy_sets),
		cmocka_unit_test(a_secret_that_nobody_made_up_is_required),
		cmocka_unit_test(the_environment_of_a_process_is_closed_and_in_order),
		cmocka_unit_test(the_spec_of_a_process_is_confined_as_promised),
		cmocka_unit_test(no_process_dumps_core_or_forks_without_end),
		cmocka_unit_test(a_one_off_differs_only_in_its_command_and_name),
		cmocka_unit_test(what_the_image_sets_is_weaker_than_all_else),
		cmocka_unit_test(a_config_that_does_not_fit_the_manifest_is_refused),
		cmocka_unit_test(with_open_egress_any_service_may_be_attached),
		cmocka_unit_test(an_empty_list_of_ports_publishes_nothing),
		cmocka_unit_test(a_strangers_release_is_checked_in_every_member),
		cmocka_unit_test(every_cut_of_a_release_is_refused),
		cmocka_unit_test(a_long_instance_name_keeps_its_number_in_the_host_name),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
