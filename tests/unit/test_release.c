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
	struct release_launch launch = {
		.instance = "worker.1", .version = "v7-3f9a1c20be44", .id_base = 200000
	};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_release_holds_what_manifest_and_config_decide),
		cmocka_unit_test(printing_and_reading_a_release_are_exact),
		cmocka_unit_test(a_missing_required_variable_is_named_with_its_purpose),
		cmocka_unit_test(the_environment_of_a_process_is_closed_and_in_order),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
