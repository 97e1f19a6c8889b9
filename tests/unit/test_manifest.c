/* isorun.json: everything that PRODUCT shows is read, and every mistake named where it stands. */
#include "model/manifest.h"

#include "base/memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char guestbook[] =
	"{\n"
	"  \"name\": \"guestbook\",\n"
	"  \"dependencies\": {\n"
	"    \"debian\": { \"suite\": \"bookworm\",\n"
	"      \"packages\": [\"python3-minimal\", \"python3-redis\"] },\n"
	"    \"files\":  { \"/usr/local/bin/tool\": \"vendor/tool\", \"/a\": \"./b\" }\n"
	"  },\n"
	"  \"build\": { \"debian\": { \"packages\": [\"npm\"] },\n"
	"    \"command\": \"npm ci --omit=dev\", \"network\": true },\n"
	"  \"processes\": {\n"
	"    \"web\": {\n"
	"      \"command\": [\"python3\", \"-m\", \"guestbook.web\"],\n"
	"      \"port\": true,\n"
	"      \"ready\":  { \"http\": \"/healthz\", \"timeout\": \"60s\" },\n"
	"      \"stop\":   { \"signal\": \"SIGTERM\", \"timeout\": \"10s\" },\n"
	"      \"limits\": { \"memory\": \"256M\", \"cpu\": 0.5, \"pids\": 256, \"tmp\": \"64M\" "
	"},\n"
	"      \"quantity\": 2\n"
	"    },\n"
	"    \"worker\":  { \"command\": \"python3 -m guestbook.worker\" },\n"
	"    \"release\": { \"command\": \"python3 -m guestbook.migrate\" }\n"
	"  },\n"
	"  \"env\":      { \"SECRET_KEY\": { \"required\": true, \"description\": \"signs "
	"cookies\" },\n"
	"    \"GREETING\": { \"value\": \"hi\" }, \"PLAIN\": \"text\",\n"
	"    \"TOKEN\": { \"generator\": \"secret\" } },\n"
	"  \"services\": { \"cache\": { \"env\": \"REDIS_URL\", \"required\": true },\n"
	"    \"my-db\": {} }\n"
	"}\n";

static void parse(const char *text, const char *procfile, struct manifest *ret)
{
	struct error err = { 0 };

	if (manifest_parse("isorun.json", text, strlen(text), procfile, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static char *print(const struct manifest *manifest)
{
	json_t *value = manifest_print(manifest);
	struct buf text = { 0 };

	json_print(value, false, &text);
	json_decref(value);
	return buf_take(&text);
}

static void everything_that_a_manifest_can_say_is_read(void **state)
{
	struct manifest manifest;
	const struct process_type *web;

	(void)state;
	parse(guestbook, NULL, &manifest);

	web = manifest_process(&manifest, "web");
	assert_string_equal(manifest.name, "guestbook");
	assert_string_equal(manifest.suite, "bookworm");
	assert_int_equal(manifest.packages.len, 2);
	assert_string_equal(manifest.files.items[0], "/a");
	assert_string_equal(manifest.files.items[1], "b");
	assert_string_equal(manifest.build_suite, "bookworm");
	assert_int_equal(manifest.build_argv.len, 3);
	assert_true(manifest.build_network);
	assert_int_equal(web->argv.len, 3);
	assert_null(web->command);
	assert_true(web->port);
	assert_int_equal(web->port_number, 5000);
	assert_string_equal(web->ready_path, "/healthz");
	assert_int_equal(web->ready_timeout, 60000);
	assert_int_equal(web->stop_signal, SIGTERM);
	assert_int_equal(web->stop_timeout, 10000);
	assert_int_equal(web->limits.memory, 256 << 20);
	assert_int_equal(web->limits.cpu_milli, 500);
	assert_int_equal(web->limits.pids, 256);
	assert_int_equal(web->limits.tmp, 64 << 20);
	assert_int_equal(web->quantity, 2);
	assert_int_equal(manifest.env_count, 4);
	assert_string_equal(manifest.env[1].key, "PLAIN");
	assert_string_equal(manifest.env[1].value, "text");
	assert_string_equal(manifest.env[2].description, "signs cookies");
	assert_true(manifest.env[3].secret);
	assert_string_equal(manifest.services[0].env, "REDIS_URL");
	assert_string_equal(manifest.services[1].env, "MY_DB_URL");
	manifest_done(&manifest);
}

static void a_type_that_says_nothing_has_the_defaults(void **state)
{
	struct manifest manifest;
	const struct process_type *worker;

	(void)state;
	parse("{\"name\":\"a\",\"processes\":{\"web\":{\"command\":\"a\"},"
	      "\"worker\":{\"command\":\"b $X\"},\"release\":{\"command\":\"c && d\"}}}",
		NULL, &manifest);

	worker = manifest_process(&manifest, "worker");
	assert_int_equal(manifest_process(&manifest, "web")->quantity, 1);
	assert_false(manifest_process(&manifest, "web")->port);
	assert_int_equal(manifest_process(&manifest, "release")->quantity, 0);
	assert_true(manifest_process(&manifest, "release")->shell);
	assert_int_equal(worker->quantity, 0);
	assert_false(worker->shell);
	assert_string_equal(worker->command, "b $X");
	assert_int_equal(worker->ready_timeout, 60000);
	assert_int_equal(worker->stop_timeout, 10000);
	assert_int_equal(worker->stop_signal, SIGTERM);
	manifest_done(&manifest);
}

static void a_procfile_is_used_where_there_are_no_processes(void **state)
{
	static const char procfile[] = "web: a\nworker: b\n";
	struct manifest manifest;
	struct error err = { 0 };

	(void)state;
	parse("{\"name\":\"a\"}", procfile, &manifest);
	assert_int_equal(manifest.process_count, 2);
	assert_true(manifest_process(&manifest, "web")->port);
	assert_false(manifest_process(&manifest, "worker")->port);
	manifest_done(&manifest);

	parse("{\"name\":\"a\",\"processes\":{\"x\":{\"command\":\"y\"}}}", procfile, &manifest);
	assert_int_equal(manifest.process_count, 1);
	manifest_done(&manifest);

	assert_int_equal(
		manifest_parse("isorun.json", "{\"name\":\"a\"}", 12, "web a", &manifest, &err),
		-1);
	assert_string_equal(err.text, "Procfile:1:1: not a line of the form NAME: COMMAND");
	assert_int_equal(manifest_parse("isorun.json", "{\"name\":\"a\"}", 12, "a: b\nweb: 'a",
				 &manifest, &err),
		-1);
	assert_string_equal(err.text, "Procfile:2: the command has a quote that is not closed");
	assert_int_equal(
		manifest_parse("isorun.json", "{\"name\":\"a\"}", 12, NULL, &manifest, &err), -1);
	assert_string_equal(
		err.text, "isorun.json:1: $: has no \"processes\", and there is no Procfile");
}

static void printing_and_reading_a_manifest_are_exact(void **state)
{
	struct manifest manifest, again;
	char *first, *second;

	(void)state;
	parse(guestbook, NULL, &manifest);
	first = print(&manifest);
	parse(first, NULL, &again);
	second = print(&again);

	assert_string_equal(first, second);
	assert_non_null(strstr(first, "\"cpu\":0.5,\"memory\":268435456,"));
	free(first);
	free(second);
	manifest_done(&manifest);
	manifest_done(&again);
}

/* Values from a small generator with a fixed seed. */
static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void generated_process_types_survive_a_round_trip(void **state)
{
	static const char *const signals[] = { "TERM", "SIGINT", "SIGRTMIN+3", "9" };
	static const char *const commands[] = { "\"a $B\"", "[\"a\", \"$B c\", \"\"]", "\"a && b\"",
		"\"A=1 b 'c d'\"", "\"exec é\"" };
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 500; i++) {
		char *text = memory_format(
			"{\"name\":\"a\",\"processes\":{\"p%u\":{\"command\":%s,\"port\":%u,"
			"\"ready\":{\"http\":\"/%u\",\"timeout\":\"%ums\"},"
			"\"stop\":{\"signal\":\"%s\",\"timeout\":%u,\"scope\":\"%s\"},"
			"\"limits\":{\"cpu\":%u.%03u,\"memory\":\"%uK\",\"pids\":%u},"
			"\"tmp_exec\":%s,\"seccomp\":{\"allow\":[\"ptrace\"]},\"quantity\":%u}}}",
			next(&seed, 100), commands[next(&seed, 5)], 1 + next(&seed, 65535),
			next(&seed, 9), next(&seed, 99999), signals[next(&seed, 4)],
			next(&seed, 86400), next(&seed, 2) ? "group" : "process", next(&seed, 64),
			1 + next(&seed, 999), 1 + next(&seed, 1000000), 1 + next(&seed, 4194304),
			next(&seed, 2) ? "true" : "false", next(&seed, 1001));
		struct manifest manifest, again;
		char *first, *second;

		parse(text, NULL, &manifest);
		first = print(&manifest);
		parse(first, NULL, &again);
		second = print(&again);
		assert_string_equal(first, second);
		assert_int_equal(again.processes[0].limits.cpu_milli,
			manifest.processes[0].limits.cpu_milli);
		assert_int_equal(
			again.processes[0].ready_timeout, manifest.processes[0].ready_timeout);
		free(text);
		free(first);
		free(second);
		manifest_done(&manifest);
		manifest_done(&again);
	}
}

struct row {
	const char *text, *error, *hint;
};

static void assert_refused(const struct row *rows, size_t count, const char *frame)
{
	for (size_t i = 0; i < count; i++) {
		const char *hole = strchr(frame, '@');
		char *text = memory_format(
			"%.*s%s%s", (int)(hole - frame), frame, rows[i].text, hole + 1);
		struct manifest manifest;
		struct error err = { 0 };

		if (manifest_parse("isorun.json", text, strlen(text), NULL, &manifest, &err) == 0)
			fail_msg("%s is read", text);
		assert_string_equal(err.text, rows[i].error);
		assert_string_equal(err.hint, rows[i].hint ? rows[i].hint : "");
		assert_int_equal(err.kind, ERROR_CONFIG);
		free(text);
	}
}

static void a_wrong_process_type_is_an_error_with_line_and_path(void **state)
{
	static const struct row rows[] = {
		{ "\"port\": \"yes\"",
			"isorun.json:3: $.processes.web.port: must be true or false, is a string",
			"or the number that PORT shall be, as in \"port\": 8080" },
		{ "\"port\": 0", "isorun.json:3: $.processes.web.port: must be from 1 to 65535",
			NULL },
		{ "\"prot\": true", "isorun.json:3: $.processes.web.prot: unknown key",
			"did you mean \"port\"?" },
		{ "\"ready\": {\"http\": \"/\"}",
			"isorun.json:3: $.processes.web.ready: needs \"port\": true to connect to",
			NULL },
		{ "\"port\": true, \"ready\": {\"http\": \"/\", \"tcp\": true}",
			"isorun.json:3: $.processes.web.ready: has both \"http\" and \"tcp\"",
			NULL },
		{ "\"port\": true, \"ready\": {\"tcp\": false}",
			"isorun.json:3: $.processes.web.ready.tcp: must be true", NULL },
		{ "\"port\": true, \"ready\": {\"http\": \"healthz\"}",
			"isorun.json:3: $.processes.web.ready.http: must be a path such as "
			"\"/healthz\"",
			NULL },
		{ "\"port\": true, \"ready\": {\"http\": \"/ HTTP/1.1\\r\\nX: y\"}",
			"isorun.json:3: $.processes.web.ready.http: must be a path without spaces "
			"and control characters, in ASCII",
			NULL },
		{ "\"ready\": {\"timeout\": \"1 minute\"}",
			"isorun.json:3: $.processes.web.ready.timeout: \"1 minute\" is not a time "
			"(a number with ms, s, m or h, at most 24h)",
			NULL },
		{ "\"stop\": {\"signal\": \"SIGTREM\"}",
			"isorun.json:3: $.processes.web.stop.signal: \"SIGTREM\" is not a signal",
			NULL },
		{ "\"stop\": {\"scope\": \"all\"}",
			"isorun.json:3: $.processes.web.stop.scope: must be \"process\" or "
			"\"group\"",
			NULL },
		{ "\"limits\": {\"memory\": \"256MB\"}",
			"isorun.json:3: $.processes.web.limits.memory: \"256MB\" is not a size (a "
			"number with an optional K, M, G or T)",
			NULL },
		{ "\"limits\": {\"memory\": -1}",
			"isorun.json:3: $.processes.web.limits.memory: must be from 1 to "
			"9223372036854775807",
			NULL },
		{ "\"limits\": {\"cpu\": 0}",
			"isorun.json:3: $.processes.web.limits.cpu: must be from 0.001 to 4096",
			NULL },
		{ "\"limits\": {\"cpu\": \"1\"}",
			"isorun.json:3: $.processes.web.limits.cpu: must be a number, is a string",
			NULL },
		{ "\"limits\": {\"pids\": 0}",
			"isorun.json:3: $.processes.web.limits.pids: must be from 1 to 4194304",
			NULL },
		{ "\"quantity\": 1001",
			"isorun.json:3: $.processes.web.quantity: must be from 0 to 1000", NULL },
		{ "\"quantity\": 1.5",
			"isorun.json:3: $.processes.web.quantity: must be a whole number, is a "
			"number",
			NULL },
		{ "\"seccomp\": {\"allow\": [\"a b\"]}",
			"isorun.json:3: $.processes.web.seccomp.allow[0]: is not a group of "
			"system calls",
			NULL },
	};

	(void)state;
	assert_refused(rows, sizeof rows / sizeof *rows,
		"{\"name\": \"a\", \"processes\": {\n\"web\": {\"command\": \"a\",\n@}}}");
}

static void a_wrong_section_is_an_error_with_line_and_path(void **state)
{
	static const struct row rows[] = {
		{ "\"proceses\": {}", "isorun.json:2: $.proceses: unknown key",
			"did you mean \"processes\"?" },
		{ "\"processes\": {}", "isorun.json:2: $.processes: has no process types", NULL },
		{ "\"processes\": {\"web\": \"a\"}",
			"isorun.json:2: $.processes.web: must be an object, is a string", NULL },
		{ "\"processes\": {\"web\": {}}",
			"isorun.json:2: $.processes.web: has no \"command\"", NULL },
		{ "\"processes\": {\"web\": {\"command\": []}}",
			"isorun.json:2: $.processes.web.command: the command is empty", NULL },
		{ "\"processes\": {\"web\": {\"command\": \"a 'b\"}}",
			"isorun.json:2: $.processes.web.command: the command has a quote that is "
			"not closed",
			NULL },
		{ "\"processes\": {\"a/b\": {\"command\": \"a\"}}",
			"isorun.json:2: $.processes: \"a/b\" is not a process name (letters, "
			"digits, _ and -, at most 63)",
			NULL },
		{ "\"processes\": {\"release\": {\"command\": \"a\", \"quantity\": 1}}",
			"isorun.json:2: $.processes.release.quantity: the release phase runs once "
			"a release, never scaled",
			NULL },
		{ "\"dependencies\": {\"debian\": {\"packages\": [\"a b\"]}}",
			"isorun.json:2: $.dependencies.debian.packages[0]: \"a b\" is not a "
			"Debian package name (lower-case letters, digits, +, - and ., at most 128)",
			NULL },
		{ "\"dependencies\": {\"debian\": {\"packages\": []}}",
			"isorun.json:2: $.dependencies.debian: has no \"suite\"", NULL },
		{ "\"dependencies\": {\"base\": \"../x.tar\"}",
			"isorun.json:2: $.dependencies.base: \"../x.tar\" is not a path below the "
			"codebase",
			NULL },
		{ "\"dependencies\": {\"files\": {\"/a/../b\": \"c\"}}",
			"isorun.json:2: $.dependencies.files: \"/a/../b\" is not an absolute path "
			"without . and ..",
			NULL },
		{ "\"dependencies\": {\"files\": {\"/a\": \"/etc/shadow\"}}",
			"isorun.json:2: $.dependencies.files./a: \"/etc/shadow\" is not a path "
			"below the codebase",
			NULL },
		{ "\"build\": {\"command\": 1}",
			"isorun.json:2: $.build.command: must be a string or an array of strings",
			NULL },
		{ "\"env\": {\"PORT\": \"1\"}", "isorun.json:2: $.env.PORT: PORT is set by isorun",
			"say \"port\": 8080 in the manifest's process type" },
		{ "\"env\": {\"A\": {\"value\": 1}}",
			"isorun.json:2: $.env.A.value: must be a string, is a whole number", NULL },
		{ "\"services\": {\"a\": \"X_URL\", \"b\": \"X_URL\"}",
			"isorun.json:2: $.services.b: X_URL is the variable of service \"a\" "
			"already",
			NULL },
		{ "\"env\": {\"A_URL\": \"\"}, \"services\": {\"a\": {}}",
			"isorun.json:2: $.services.a: A_URL is in \"env\" already", NULL },
		{ "\"services\": {\"a b\": {}}",
			"isorun.json:2: $.services: \"a b\" is not a service name (letters, "
			"digits, _ and -, at most 63)",
			NULL },
	};
	static const struct row names[] = {
		{ "\"Guest Book\"",
			"isorun.json:1: $.name: \"Guest Book\" is not an app name (lower-case "
			"letters, digits and inner -, at most 63)",
			NULL },
		{ "1", "isorun.json:1: $.name: must be a string, is a whole number", NULL },
	};

	(void)state;
	assert_refused(rows, sizeof rows / sizeof *rows, "{\"name\": \"a\",\n@}");
	assert_refused(names, sizeof names / sizeof *names, "{\"name\": @}");
}

static void every_cut_of_a_manifest_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len + 2 < sizeof guestbook - 1; len++) {
		char *cut = calloc(len + 1, 1);
		struct manifest manifest;
		struct error err = { 0 };

		memcpy(cut, guestbook, len);
		assert_int_equal(
			manifest_parse("isorun.json", cut, len, "web: a", &manifest, &err), -1);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_a_manifest_can_say_is_read),
		cmocka_unit_test(a_type_that_says_nothing_has_the_defaults),
		cmocka_unit_test(a_procfile_is_used_where_there_are_no_processes),
		cmocka_unit_test(printing_and_reading_a_manifest_are_exact),
		cmocka_unit_test(generated_process_types_survive_a_round_trip),
		cmocka_unit_test(a_wrong_process_type_is_an_error_with_line_and_path),
		cmocka_unit_test(a_wrong_section_is_an_error_with_line_and_path),
		cmocka_unit_test(every_cut_of_a_manifest_is_refused),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
