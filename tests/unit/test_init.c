/* isorun init: what other tools' files say becomes a manifest, and what has no place in one is
 * said. */
#include "model/init.h"

#include "base/memory.h"
#include "model/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct given {
	const char *procfile, *app, *package, *requirements;
	bool npm_lock;
};

struct result {
	struct buf text;
	struct strv notes;
	struct manifest manifest;
	struct error err;
	int status;
};

static struct init_file file(const char *name, const char *text)
{
	return (struct init_file){ name, text, text ? strlen(text) : 0 };
}

static struct result make(const struct given *given)
{
	const struct init_input input = {
		.procfile = file("Procfile", given->procfile),
		.app = file("app.json", given->app),
		.package = file("package.json", given->package),
		.requirements = file("requirements.txt", given->requirements),
		.npm_lock = given->npm_lock,
		.directory = "My Guest-Book!",
		.suite = "bookworm",
	};
	struct result result = { 0 };

	result.status = init_manifest(&input, &result.text, &result.notes, &result.err);
	if (result.status == 0)
		assert_int_equal(manifest_parse("isorun.json", result.text.data, result.text.len,
					 NULL, &result.manifest, &result.err),
			0);
	return result;
}

static void done(struct result *result)
{
	buf_done(&result->text);
	strv_done(&result->notes);
	manifest_done(&result->manifest);
}

static const struct env_declaration *env(const struct manifest *manifest, const char *key)
{
	for (size_t i = 0; i < manifest->env_count; i++)
		if (strcmp(manifest->env[i].key, key) == 0)
			return &manifest->env[i];
	return NULL;
}

static void a_procfile_becomes_process_types_in_its_order(void **state)
{
	struct result result = make(
		&(struct given){ .procfile = "worker: bin/work --fast\nweb: bin/serve $PORT\n" });

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(result.text.data, "{\n"
					      "  \"name\": \"my-guest-book\",\n"
					      "  \"processes\": {\n"
					      "    \"worker\": {\n"
					      "      \"command\": \"bin/work --fast\"\n"
					      "    },\n"
					      "    \"web\": {\n"
					      "      \"command\": \"bin/serve $PORT\",\n"
					      "      \"port\": true\n"
					      "    }\n"
					      "  }\n"
					      "}\n");
	assert_int_equal(result.notes.len, 0);
	done(&result);
}

static void npm_dependencies_are_installed_by_the_build(void **state)
{
	struct result result = make(&(struct given){
		.procfile = "web: npm start\nworker: node worker.js | tee /tmp/log\n",
		.package = "{ \"name\": \"@me/Guest_Book\", \"engines\": { \"node\": \"20.x\" },\n"
			   "  \"scripts\": { \"start\": \"node web.js\" },\n"
			   "  \"dependencies\": { \"express\": \"^4.0.0\" } }",
		.npm_lock = true });
	const struct manifest *manifest = &result.manifest;

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(manifest->name, "guest-book");
	assert_string_equal(manifest->suite, "bookworm");
	assert_true(strv_has(&manifest->packages, "nodejs"));
	assert_true(strv_has(&manifest->packages, "dash"));
	assert_true(strv_has(&manifest->build_packages, "npm"));
	assert_string_equal(manifest->build_argv.items[1], "ci");
	assert_string_equal(manifest->build_argv.items[2], "--omit=dev");
	assert_true(manifest->build_network);
	assert_string_equal(manifest_process(manifest, "web")->command, "node web.js");
	assert_string_equal(env(manifest, "PATH")->value,
		"/app/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
		"/bin");
	assert_int_equal(result.notes.len, 2);
	assert_string_equal(result.notes.items[0],
		"package.json:1: $.engines.node: is not compared with Debian's nodejs");
	assert_string_equal(
		result.notes.items[1], "web: npm start is written as what it runs: node web.js");
	done(&result);
}

static void a_package_with_a_build_script_is_built_with_its_tools_and_pruned(void **state)
{
	struct result result = make(&(struct given){
		.package =
			"{ \"scripts\": { \"start\": \"next start\", \"build\": \"next build\" },"
			" \"dependencies\": { \"next\": \"14\" } }" });

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(manifest_process(&result.manifest, "web")->command, "next start");
	assert_string_equal(result.manifest.build_argv.items[2],
		"npm install && npm run build && npm prune --omit=dev");
	done(&result);
}

static void requirements_are_installed_by_pip_where_python_finds_them(void **state)
{
	struct result result = make(&(struct given){
		.procfile = "web: gunicorn app:app\n", .requirements = "flask==3.0.0\n" });
	const struct manifest *manifest = &result.manifest;

	(void)state;
	assert_int_equal(result.status, 0);
	assert_true(strv_has(&manifest->packages, "python3"));
	assert_true(strv_has(&manifest->build_packages, "python3-pip"));
	assert_string_equal(manifest->build_argv.items[0], "pip");
	assert_string_equal(env(manifest, "PYTHONPATH")->value, "/app/.python");
	assert_memory_equal(env(manifest, "PATH")->value, "/app/.python/bin:", 17);
	assert_int_equal(result.notes.len, 0);
	done(&result);
}

static const char app_json[] =
	"{\n"
	"  \"name\": \"Guest Book\",\n"
	"  \"env\": {\n"
	"    \"SECRET_KEY\": { \"description\": \"signs\", \"generator\": \"secret\" },\n"
	"    \"GREETING\": \"hi\",\n"
	"    \"TOKEN\": { \"description\": \"of the API\" },\n"
	"    \"MAYBE\": { \"required\": false },\n"
	"    \"REDIS_URL\": { \"description\": \"the add-on's\" },\n"
	"    \"PORT\": \"3000\" },\n"
	"  \"formation\": { \"web\": { \"quantity\": 2, \"size\": \"eco\" },\n"
	"    \"mailer\": { \"quantity\": 1 } },\n"
	"  \"addons\": [\"heroku-redis:mini\", { \"plan\": \"heroku-redis\", \"as\": \"CACHE\" },\n"
	"    \"heroku-postgresql\", \"cloudamqp:lemur\", \"mongolab\", \"scheduler\",\n"
	"    \"memcachier:dev\", \"some-thing\"],\n"
	"  \"buildpacks\": []\n"
	"}\n";

static void app_json_gives_variables_quantities_and_services(void **state)
{
	struct result result =
		make(&(struct given){ .procfile = "web: ./serve\n", .app = app_json });
	const struct manifest *manifest = &result.manifest;
	static const char *const services[][2] = { { "amqp", "CLOUDAMQP_URL" },
		{ "cache", "CACHE_URL" }, { "mongodb", "MONGODB_URI" },
		{ "postgresql", "DATABASE_URL" }, { "redis", "REDIS_URL" },
		{ "some-thing", "SOME_THING_URL" } };

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(manifest->name, "guest-book");
	assert_true(env(manifest, "SECRET_KEY")->secret);
	assert_string_equal(env(manifest, "GREETING")->value, "hi");
	assert_true(env(manifest, "TOKEN")->required);
	assert_false(env(manifest, "MAYBE")->required);
	assert_true(env(manifest, "MEMCACHIER_SERVERS")->required);
	assert_null(env(manifest, "PORT"));
	assert_null(env(manifest, "REDIS_URL"));
	assert_int_equal(manifest_process(manifest, "web")->quantity, 2);
	assert_int_equal(manifest->service_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(manifest->services[i].name, services[i][0]);
		assert_string_equal(manifest->services[i].env, services[i][1]);
		assert_true(manifest->services[i].required);
	}
	done(&result);
}

static void what_has_no_counterpart_is_said_with_its_place(void **state)
{
	static const char *const notes[] = {
		"app.json:15: $.buildpacks: has no counterpart in isorun.json",
		"app.json:9: $.env.PORT: is set by isorun itself",
		"app.json:10: $.formation.web.size: has no counterpart in isorun.json",
		"app.json:11: $.formation.mailer: there is no such process type",
		"app.json:13: $.addons[5]: has no counterpart in isorun.json",
		"app.json:14: $.addons[6]: has no URL to attach: its variables are in \"env\"",
		"app.json:14: $.addons[7]: is not known: it is taken for a service whose variable "
		"is SOME_THING_URL",
	};
	struct result result =
		make(&(struct given){ .procfile = "web: ./serve\n", .app = app_json });

	(void)state;
	assert_int_equal(result.notes.len, sizeof notes / sizeof *notes);
	for (size_t i = 0; i < result.notes.len; i++)
		assert_string_equal(result.notes.items[i], notes[i]);
	done(&result);
}

static void a_program_of_no_known_package_is_said(void **state)
{
	struct result result = make(&(struct given){ .procfile = "web: java -jar a.jar\n" });

	(void)state;
	assert_int_equal(result.notes.len, 1);
	assert_string_equal(result.notes.items[0],
		"web: which package brings java is not known: declare it in dependencies");
	done(&result);
}

static void malformed_input_is_refused_where_it_stands(void **state)
{
	static const struct {
		struct given given;
		const char *text;
	} rows[] = {
		{ { .procfile = "web serve\n" },
			"Procfile:1:1: not a line of the form NAME: COMMAND" },
		{ { .procfile = "web: echo 'a\n" }, "Procfile:1: process web: " },
		{ { .app = "{}" }, "nothing says what to run: there is no Procfile" },
		{ { .package = "{}" },
			"nothing says what to run: there is no Procfile, and package.json has no "
			"start script" },
		{ { .package = "[]" }, "package.json:1: $: " },
		{ { .package = "{ \"scripts\": { \"start\": 1 } }" },
			"package.json:1: $.scripts.start: " },
		{ { .package = "{ \"dependencies\": [] }" }, "package.json:1: $.dependencies: " },
		{ { .procfile = "web: a\n", .app = "{,}" }, "app.json:1:2: " },
		{ { .procfile = "web: a\n", .app = "{ \"env\": { \"A\": 1 } }" },
			"app.json:1: $.env.A: " },
		{ { .procfile = "web: a\n", .app = "{ \"env\": { \"A B\": \"\" } }" },
			"app.json:1: $.env.A B: \"A B\" is not a variable name" },
		{ { .procfile = "web: a\n",
			  .app = "{ \"env\": { \"A\": { \"generator\": \"x\" } } }" },
			"app.json:1: $.env.A.generator: must be \"secret\"" },
		{ { .procfile = "web: a\n", .app = "{ \"addons\": [{}] }" },
			"app.json:1: $.addons[0]: has no \"plan\"" },
		{ { .procfile = "web: a\n", .app = "{ \"addons\": [\"--\"] }" },
			"app.json:1: $.addons[0]: is not an add-on's name" },
		{ { .procfile = "web: a\n",
			  .app = "{ \"formation\": { \"web\": { \"quantity\": -1 } } }" },
			"app.json:1: $.formation.web.quantity: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct result result = make(&rows[i].given);

		assert_int_equal(result.status, -1);
		assert_int_equal(result.err.kind, ERROR_CONFIG);
		if (strncmp(result.err.text, rows[i].text, strlen(rows[i].text)) != 0)
			fail_msg("want %s, got %s", rows[i].text, result.err.text);
		assert_null(result.text.data);
		strv_done(&result.notes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_procfile_becomes_process_types_in_its_order),
		cmocka_unit_test(npm_dependencies_are_installed_by_the_build),
		cmocka_unit_test(a_package_with_a_build_script_is_built_with_its_tools_and_pruned),
		cmocka_unit_test(requirements_are_installed_by_pip_where_python_finds_them),
		cmocka_unit_test(app_json_gives_variables_quantities_and_services),
		cmocka_unit_test(what_has_no_counterpart_is_said_with_its_place),
		cmocka_unit_test(a_program_of_no_known_package_is_said),
		cmocka_unit_test(malformed_input_is_refused_where_it_stands),
	};

	return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
