/* isorun release: a build and a deploy's config become a release. */
#include "image/release.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "model/config.h"
#include "model/name.h"
#include "store/gc.h"
#include "store/store.h"

#include "settings.h"

#include <stdio.h>

struct request {
	const char *build;
	const char *config;
	const char *deploy;
	const char *output;
	struct strv env_files, env, services, formation, ports;
};

static void request_done(struct request *request)
{
	strv_done(&request->env_files);
	strv_done(&request->env);
	strv_done(&request->services);
	strv_done(&request->formation);
	strv_done(&request->ports);
}

/* Flags win over env files, and those over the config. */
static int gather(const struct request *request, struct config *config, struct error *err)
{
	if (settings_read_config(request->config, config, err) < 0)
		return -1;
	for (size_t i = 0; i < request->env_files.len; i++)
		if (settings_add_env_file(request->env_files.items[i], config, NULL, err) < 0)
			return -1;
	if (settings_add_flags(&request->env, config_set_env, config, err) < 0 ||
		settings_add_flags(&request->services, config_set_service, config, err) < 0 ||
		settings_add_flags(&request->formation, config_set_formation, config, err) < 0 ||
		settings_add_flags(&request->ports, config_set_port, config, err) < 0)
		return -1;
	if (!request->deploy)
		return 0;
	if (name_check(NAME_DEPLOY, request->deploy, err) < 0)
		return error_wrap(err, "--deploy");
	free(config->deploy);
	config->deploy = memory_copy_str(request->deploy);
	return 0;
}

static int release_it(const struct cli *cli, const struct request *request,
	const struct config *config, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	CLEANUP_TARGET struct target target = { 0 };
	CLEANUP_CLOSE int lock = -1;
	struct digest build;

	if (store_open(cli->root, &store, err) < 0 || (lock = gc_hold_off(&store, err)) < 0 ||
		target_open_build(&store, request->build, &build, err) < 0 ||
		release_make(&store, &build, config, &target.release, err) < 0)
		return -1;
	/* The file first: a release that is in the ledger can be had. */
	if (request->output && release_write(&store, &target.release, request->output, err) < 0)
		return -1;
	if (target_record(&store, &target, LEDGER_RELEASE, NULL, err) < 0)
		return -1;
	settings_warn(&target.release);
	(void)printf("sha256:%s\n", target.release.id.hex); /* main looks at stdout when it ends */
	return 0;
}

static int release(struct cli *cli, const struct request *request, struct error *err)
{
	struct config config = { 0 };
	int result = gather(request, &config, err);

	if (result == 0)
		result = release_it(cli, request, &config, err);
	config_done(&config);
	return result;
}

int cli_release(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	__attribute__((cleanup(request_done))) struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'd', "deploy", OPTION_TEXT, &request.deploy, "NAME",
			"the deploy (else the config's, else dev)" },
		{ 'c', "config", OPTION_TEXT, &request.config, "FILE",
			"the deploy's config (JSON)" },
		{ 0, "env-file", OPTION_LIST, &request.env_files, "FILE",
			"a dotenv file; docker:FILE, systemd:FILE, json:FILE" },
		{ 'e', "env", OPTION_LIST, &request.env, "K=V", "one variable" },
		{ 0, "attach", OPTION_LIST, &request.services, "NAME=URL", "a backing service" },
		{ 0, "formation", OPTION_LIST, &request.formation, "web=2,…",
			"how many instances of each type" },
		{ 'p', "publish", OPTION_LIST, &request.ports, "[ADDR:]PORT[:TYPE]",
			"where a type is reached" },
		{ 'o', "output", OPTION_TEXT, &request.output, "FILE",
			"also write the release as a tar (it holds secrets: 0600)" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "release BUILD [OPTION…]",
		.summary = "Join a build (a tar, - or a digest) with a deploy's config into a "
			   "release, record it\nin the deploy's ledger and print its id.",
		.example = "isorun release build.tar --config staging.json -e GREETING=hi "
			   "-o release.tar",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len != 1 || operands.has_command) {
		error_set(err, ERROR_USAGE, "release takes one build");
		return error_hint(err, "isorun release --help");
	}
	request.build = operands.words.items[0];
	return release(cli, &request, err);
}
