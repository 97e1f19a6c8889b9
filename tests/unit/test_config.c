/* A deploy's config: file and flags, and the example that the repository ships. */
#include "model/config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "model/release.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char staging[] =
	"{ \"deploy\": \"staging\",\n"
	"  \"env\": { \"GREETING\": \"hello\", \"SECRET_KEY\": \"change-me\" },\n"
	"  \"services\": { \"cache\": \"redis://127.0.0.1:6379/0\" },\n"
	"  \"formation\": { \"web\": 2, \"worker\": 1 },\n"
	"  \"ports\": { \"web\": [\"127.0.0.1:5000\", \"[::0001]:5000\"], \"api\": 8080 },\n"
	"  \"limits\": { \"worker\": { \"memory\": \"512M\" } },\n"
	"  \"egress\": \"open\",\n"
	"  \"logs\": { \"format\": \"json\", \"drains\": [\"syslog+tcp://127.0.0.1:6514\"] } }";

static void parse(const char *text, struct config *ret)
{
	struct error err = { 0 };

	if (config_parse("config.json", text, strlen(text), ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void everything_that_a_config_can_say_is_read(void **state)
{
	struct config config;

	(void)state;
	parse(staging, &config);

	assert_string_equal(config.deploy, "staging");
	assert_string_equal(strv_env_get(&config.env, "SECRET_KEY"), "change-me");
	assert_string_equal(strv_env_get(&config.services, "cache"), "redis://127.0.0.1:6379/0");
	assert_int_equal(config.formation_count, 2);
	assert_int_equal(config.formation[0].quantity, 2);
	assert_true(config.ports_said);
	assert_int_equal(config.port_count, 3);
	assert_string_equal(config.ports[0].address, "127.0.0.1");
	assert_string_equal(config.ports[1].address, "[::1]");
	assert_string_equal(config.ports[2].process, "api");
	assert_string_equal(config.ports[2].address, "*");
	assert_int_equal(config.ports[2].port, 8080);
	assert_int_equal(config.limits[0].limits.memory, 512 << 20);
	assert_int_equal(config.egress, EGRESS_OPEN);
	assert_string_equal(config.log_format, "json");
	assert_int_equal(config.drains.len, 1);
	config_done(&config);
}

static void flags_win_over_the_file(void **state)
{
	struct config config;
	struct error err = { 0 };

	(void)state;
	parse(staging, &config);

	assert_int_equal(config_set_env(&config, "GREETING=a=b", &err), 0);
	assert_int_equal(config_set_env(&config, "EMPTY=", &err), 0);
	assert_int_equal(config_set_service(&config, "cache=redis://h", &err), 0);
	assert_int_equal(config_set_formation(&config, "web=5,api=0", &err), 0);
	assert_int_equal(config_set_port(&config, "127.0.0.1:8000:web", &err), 0);
	assert_int_equal(config_set_port(&config, "8001", &err), 0);

	assert_string_equal(strv_env_get(&config.env, "GREETING"), "a=b");
	assert_string_equal(strv_env_get(&config.env, "EMPTY"), "");
	assert_string_equal(strv_env_get(&config.services, "cache"), "redis://h");
	assert_int_equal(config.formation_count, 3);
	assert_int_equal(config.formation[0].quantity, 5);
	assert_int_equal(config.port_count, 3);
	assert_string_equal(config.ports[0].process, "api");
	assert_int_equal(config.ports[1].port, 8000);
	assert_int_equal(config.ports[2].port, 8001);
	assert_string_equal(config.ports[2].address, "*");
	config_done(&config);
}

static void a_wrong_flag_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		int (*set)(struct config *config, const char *text, struct error *err);
		const char *text, *error;
	} rows[] = {
		{ config_set_env, "GREETING", "not KEY=VALUE: it has no =" },
		{ config_set_env, "a b=1",
			"\"a b\" is not a variable name (letters, digits and _, not a digit "
			"first, at most 255)" },
		{ config_set_env, "DYNO=web.1", "DYNO is set by isorun" },
		{ config_set_env, "A=\xff", "the value of A is not UTF-8" },
		{ config_set_formation, "web", "not TYPE=NUMBER: it has no =" },
		{ config_set_formation, "web=3,worker=-1",
			"formation of worker: \"-1\" is not a number from 0 to 1000" },
		{ config_set_formation, "web=3,", "not TYPE=NUMBER: it has no =" },
		{ config_set_formation, "web=1001",
			"formation of web: \"1001\" is not a number from 0 to 1000" },
		{ config_set_service, "cache", "not NAME=URL: it has no =" },
		{ config_set_service, "cache=localhost:6379",
			"service cache: not a URL of the form scheme://host:port/path" },
		{ config_set_service, "cache=redis://a b",
			"service cache: the URL holds a space or control character" },
		{ config_set_port, "0:web", "port 0:web: \"0\" is not a port from 1 to 65535" },
		{ config_set_port, "65536", "port 65536: \"65536\" is not a port from 1 to 65535" },
		{ config_set_port, "8080:80", "port 8080:80: \"8080\" is not an address" },
		{ config_set_port, "localhost:80:web",
			"port localhost:80:web: \"localhost\" is not an address" },
		{ config_set_port, "127.0.0.01:80:web",
			"port 127.0.0.01:80:web: \"127.0.0.01\" is not an address" },
		{ config_set_port, "::1:80:web", "port ::1:80:web: \"::1\" is not an address" },
		{ config_set_port, "80:a b",
			"port 80:a b: \"a b\" is not a process name (letters, digits, _ and -, at "
			"most 63)" },
		{ config_set_port, "", "port : \"\" is not a port from 1 to 65535" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config config = { 0 };
		struct error err = { 0 };

		if (rows[i].set(&config, rows[i].text, &err) == 0)
			fail_msg("%s is accepted", rows[i].text);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_int_equal(config.env.len, 0);
		assert_int_equal(config.services.len, 0);
		assert_int_equal(config.formation_count, 0);
		assert_int_equal(config.port_count, 0);
		config_done(&config);
	}
}

static void a_wrong_file_is_an_error_with_line_and_path(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "[]", "config.json:1: $: must be an object, is an array" },
		{ "{\n\"evn\": {}}", "config.json:2: $.evn: unknown key" },
		{ "{\"deploy\": \"a/b\"}",
			"config.json:1: $.deploy: \"a/b\" is not a deploy name (lower-case "
			"letters, digits and inner -, at most 63)" },
		{ "{\"env\": {\"A\": 1}}",
			"config.json:1: $.env.A: must be a string, is a whole number" },
		{ "{\"env\": {\"ISORUN_X\": \"\"}}",
			"config.json:1: $.env.ISORUN_X: ISORUN_X is set by isorun" },
		{ "{\"services\": {\"a\": \"x\"}}",
			"config.json:1: $.services.a: not a URL of the form "
			"scheme://host:port/path" },
		{ "{\"formation\": {\"web\": -1}}",
			"config.json:1: $.formation.web: must be from 0 to 1000" },
		{ "{\"ports\": {\"web\": 70000}}",
			"config.json:1: $.ports.web: must be from 1 to 65535" },
		{ "{\"ports\": {\"web\": [\"1.2.3:80\"]}}",
			"config.json:1: $.ports.web[0]: \"1.2.3\" is not an address" },
		{ "{\"limits\": {\"web\": {\"disk\": 1}}}",
			"config.json:1: $.limits.web.disk: unknown key" },
		{ "{\"egress\": \"all\"}",
			"config.json:1: $.egress: must be \"services\", \"none\" or \"open\"" },
		{ "{\"logs\": {\"format\": \"xml\"}}",
			"config.json:1: $.logs.format: must be \"auto\", \"text\", \"heroku\", "
			"\"json\" or \"raw\"" },
		{ "{\"logs\": {\"drains\": [\"x\"]}}",
			"config.json:1: $.logs.drains[0]: not a URL of the form "
			"scheme://host:port/path" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config config;
		struct error err = { 0 };
		size_t len = strlen(rows[i].text);

		assert_int_equal(config_parse("config.json", rows[i].text, len, &config, &err), -1);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

/* The file as the unit tests' working directory, the top of the tree, has it. */
static void read_file(const char *name, struct buf *ret)
{
	struct error err = { 0 };

	if (file_read_at(AT_FDCWD, name, 1 << 20, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void the_example_is_a_config_of_the_hello_image(void **state)
{
	struct buf example = { 0 }, hello = { 0 };
	struct manifest manifest;
	struct config config;
	struct release release;
	struct error err = { 0 };

	(void)state;
	read_file("config.example.json", &example);
	read_file("images/hello/isorun.json", &hello);
	parse(example.data, &config);
	if (manifest_parse("isorun.json", hello.data, hello.len, NULL, &manifest, &err) < 0)
		fail_msg("%s", err.text);

	if (release_join(&manifest, &config, NULL, &release, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(release_process(&release, "web")->quantity, 3);
	assert_string_equal(strv_env_get(&release.env, "GREETING"), "hello from staging");
	release_done(&release);
	manifest_done(&manifest);
	config_done(&config);
	buf_done(&example);
	buf_done(&hello);
}

static void every_cut_of_a_config_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len + 1 < sizeof staging; len++) {
		char *cut = calloc(len + 1, 1);
		struct config config;
		struct error err = { 0 };

		memcpy(cut, staging, len);
		assert_int_equal(config_parse("config.json", cut, len, &config, &err), -1);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_a_config_can_say_is_read),
		cmocka_unit_test(flags_win_over_the_file),
		cmocka_unit_test(a_wrong_flag_is_refused_and_changes_nothing),
		cmocka_unit_test(a_wrong_file_is_an_error_with_line_and_path),
		cmocka_unit_test(the_example_is_a_config_of_the_hello_image),
		cmocka_unit_test(every_cut_of_a_config_is_refused),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
