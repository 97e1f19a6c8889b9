/* OCI image configs: ours, and those that other tools write. */
#include "model/imageconfig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOTFS "\"rootfs\":{\"diff_ids\":[\"sha256:" HEX "\"],\"type\":\"layers\"}"
#define LINUX  "\"architecture\":\"amd64\",\"os\":\"linux\","

static const char ours[] =
	"{\"architecture\":\"amd64\",\"config\":{"
	"\"Cmd\":[\"/app/hello\",\"serve\"],\"Entrypoint\":[\"/init\"],"
	"\"Env\":[\"PATH=/usr/bin\",\"A=b=c\"],\"ExposedPorts\":{\"5000/tcp\":{}},"
	"\"Labels\":{\"a\":\"1\",\"dev.isorun.manifest\":\"{}\"},\"StopSignal\":\"SIGTERM\","
	"\"User\":\"1000:1000\",\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/app\"},"
	"\"created\":\"2026-11-20T12:00:00Z\",\"history\":[{\"created_by\":\"x\"}],"
	"\"os\":\"linux\"," ROOTFS "}";

static void parse(const char *text, struct imageconfig *ret)
{
	struct error err = { 0 };

	if (imageconfig_parse("config", text, strlen(text), ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_config_is_read_and_printed_exactly(void **state)
{
	struct imageconfig config;
	struct buf text = { 0 };

	(void)state;
	parse(ours, &config);

	imageconfig_print(&config, &text);

	assert_string_equal(text.data, ours);
	assert_string_equal(config.cwd, "/app");
	assert_string_equal(config.user, "1000:1000");
	assert_int_equal(config.stop_signal, SIGTERM);
	assert_string_equal(strv_env_get(&config.env, "A"), "b=c");
	assert_string_equal(imageconfig_label(&config, IMAGECONFIG_MANIFEST), "{}");
	assert_null(imageconfig_label(&config, "1"));
	assert_string_equal(config.diff_ids[0].hex, HEX);
	buf_done(&text);
	imageconfig_done(&config);
}

static void what_docker_writes_is_read(void **state)
{
	static const char docker[] =
		"{" LINUX
		"\"variant\":\"v8\",\"container\":\"x\",\"docker_version\":\"24\",\"config\":{"
		"\"Hostname\":\"\",\"User\":\"\",\"Env\":[\"A=1\",\"BARE\",\"=x\",\"A=2\"],"
		"\"Cmd\":null,\"Image\":\"sha256:1\",\"Volumes\":null,\"WorkingDir\":\"\","
		"\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":null,\"StopSignal\":\"3\","
		"\"ExposedPorts\":{\"80\":{},\"80/tcp\":{},\"53/udp\":{}}}," ROOTFS "}";
	struct imageconfig config;

	(void)state;
	parse(docker, &config);

	assert_null(config.user);
	assert_null(config.cwd);
	assert_int_equal(config.env.len, 1);
	assert_string_equal(config.env.items[0], "A=2");
	assert_int_equal(config.stop_signal, SIGQUIT);
	assert_int_equal(config.exposed_ports.len, 2);
	assert_string_equal(config.exposed_ports.items[0], "53/udp");
	assert_string_equal(config.exposed_ports.items[1], "80/tcp");
	imageconfig_done(&config);
}

static void labels_are_set_replaced_and_removed(void **state)
{
	struct imageconfig config;

	(void)state;
	parse(ours, &config);

	imageconfig_set_label(&config, IMAGECONFIG_RELEASE, "r");
	imageconfig_set_label(&config, "a", "2");
	imageconfig_set_label(&config, IMAGECONFIG_MANIFEST, NULL);

	assert_int_equal(config.labels.len, 4);
	assert_string_equal(config.labels.items[0], "a");
	assert_string_equal(imageconfig_label(&config, "a"), "2");
	assert_string_equal(imageconfig_label(&config, IMAGECONFIG_RELEASE), "r");
	imageconfig_done(&config);
}

static void what_is_malformed_is_an_error_at_its_place(void **state)
{
	static const struct {
		const char *text, *error;
		enum error_kind kind;
	} rows[] = {
		{ "[]", "config:1: $: must be an object, is an array", ERROR_INTEGRITY },
		{ "{\"architecture\":\"amd64\"," ROOTFS "}", "config:1: $: has no \"os\"",
			ERROR_INTEGRITY },
		{ "{\"os\":\"windows\"}", "config:1: $.os: an image for \"windows\", not for linux",
			ERROR_UNSUPPORTED },
		{ "{" LINUX "\"config\":{}}", "config:1: $: has no \"rootfs\"", ERROR_INTEGRITY },
		{ "{" LINUX "\"rootfs\":{\"type\":\"layers\",\n\"diff_ids\":[\"sha256:12\"]}}",
			"config:2: $.rootfs.diff_ids[0]: \"sha256:12\" is not a SHA-256 digest",
			ERROR_INTEGRITY },
		{ "{" LINUX "\"config\":{\"WorkingDir\":\"app\"}," ROOTFS "}",
			"config:1: $.config.WorkingDir: must be an absolute path",
			ERROR_INTEGRITY },
		{ "{" LINUX "\"config\":{\"User\":\"1000 \"}," ROOTFS "}",
			"config:1: $.config.User: \"1000 \" is not a user", ERROR_INTEGRITY },
		{ "{" LINUX "\"config\":{\"StopSignal\":\"SIGX\"}," ROOTFS "}",
			"config:1: $.config.StopSignal: \"SIGX\" is not a signal",
			ERROR_INTEGRITY },
		{ "{" LINUX "\"config\":{\"ExposedPorts\":{\"0/tcp\":{}}}," ROOTFS "}",
			"config:1: $.config.ExposedPorts: \"0/tcp\" is not a port",
			ERROR_INTEGRITY },
		{ "{" LINUX "\"config\":{\"Cmd\":[1]}," ROOTFS "}",
			"config:1: $.config.Cmd[0]: must be a string, is a whole number",
			ERROR_INTEGRITY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imageconfig config;
		struct error err = { 0 };
		size_t len = strlen(rows[i].text);

		assert_int_equal(imageconfig_parse("config", rows[i].text, len, &config, &err), -1);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(err.kind, rows[i].kind);
	}
}

static void every_cut_of_a_config_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len + 1 < sizeof ours; len++) {
		char *cut = calloc(len + 1, 1);
		struct imageconfig config;
		struct error err = { 0 };

		memcpy(cut, ours, len);
		assert_int_equal(imageconfig_parse("config", cut, len, &config, &err), -1);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_is_read_and_printed_exactly),
		cmocka_unit_test(what_docker_writes_is_read),
		cmocka_unit_test(labels_are_set_replaced_and_removed),
		cmocka_unit_test(what_is_malformed_is_an_error_at_its_place),
		cmocka_unit_test(every_cut_of_a_config_is_refused),
	};

	return cmocka_run_group_tests_name("imageconfig", tests, NULL, NULL);
}
