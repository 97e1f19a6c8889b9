/* isorun start: build, release and run in one, for whoever types `foreman start`. The three stages
 * are the three verbs' own; what is left out is only work whose result is there already: a build of
 * the same codebase (image/recall), a ledger entry of the same release.
 *
 * What only concerns this run (types, quantities, port, grace) replaces the release's at run, so
 * that it makes no other release. What a process can see of it (env files, services) is config. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "image/recall.h"
#include "image/release.h"
#include "ledger/ledger.h"
#include "store/gc.h"

#include "advise.h"
#include "buildbox.h"
#include "codebase.h"
#include "run.h"
#include "settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST    "isorun.json"
#define DEPLOY      "dev"
#define UPDATE_HINT "isorun build --update"

struct request {
	const char *dir, *procfile;
	struct strv env_files, services, formation;
	const char *port, *grace, *log_format, *wait_services;
	bool update;
	struct operands operands;
};

/* What the codebase is taken for, where that is not what its own files say. */
struct reading {
	struct buf manifest, procfile; /* empty: its own */
};

static void reading_done(struct reading *reading)
{
	buf_done(&reading->manifest);
	buf_done(&reading->procfile);
}

static void request_done(struct request *request)
{
	strv_done(&request->env_files);
	strv_done(&request->services);
	strv_done(&request->formation);
	operands_done(&request->operands);
}

/* The codebase. */

static int read_manifest(
	int dir, const struct request *request, struct reading *ret, struct error *err)
{
	const struct init_file procfile = { request->procfile, ret->procfile.data,
		ret->procfile.len };
	CLEANUP_STRV struct strv notes = { 0 }; /* init is there to say them */
	CLEANUP_BUF struct buf text = { 0 };
	int found = codebase_read(dir, MANIFEST, &text, err);

	if (found < 0)
		return -1;
	if (found)
		return request->procfile ? codebase_drop_processes(&text, &ret->manifest, err) : 0;
	if (codebase_init(dir, request->dir, request->procfile ? &procfile : NULL, &ret->manifest,
		    &notes, err) < 0)
		return -1;
	(void)fprintf(stderr, "isorun: no " MANIFEST ": taken for what isorun init would write\n");
	return 0;
}

static int read_codebase(const struct request *request, struct reading *ret, struct error *err)
{
	CLEANUP_CLOSE int dir = open(request->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int found;

	if (dir < 0)
		return error_errno(err, "%s", request->dir);
	if (request->procfile) {
		found = codebase_read(AT_FDCWD, request->procfile, &ret->procfile, err);
		if (found < 0)
			return -1;
		if (!found)
			return error_set(err, ERROR_CONFIG, "%s: there is no such Procfile",
				request->procfile);
	}
	return read_manifest(dir, request, ret, err);
}

static int build(const struct cli *cli, const struct store *store, const struct request *request,
	struct digest *ret, struct error *err)
{
	__attribute__((cleanup(reading_done))) struct reading reading = { 0 };
	struct buildbox box = { .store = store, .runtime_dir = cli->runtime_dir };
	struct build_options options = {
		.dir = request->dir,
		.allow_dirty = true,
		.update = request->update,
	};
	bool made;

	if (read_codebase(request, &reading, err) < 0)
		return -1;
	options.manifest = reading.manifest.data;
	options.procfile = reading.procfile.data;
	buildbox_serve(&box, &options);
	if (recall_build(store, &options, ret, &made, err) == 0)
		return 0;
	if (strcmp(err->hint, UPDATE_HINT) == 0)
		error_hint(err, "isorun start --update");
	return -1;
}

/* The release. */

/* A link could lead to any file of the caller's, and it came with the codebase. */
static int look_for_env(const char *path, bool *ret_found, struct error *err)
{
	struct stat status;

	*ret_found = lstat(path, &status) == 0;
	if (!*ret_found || !S_ISLNK(status.st_mode))
		return 0;
	error_set(err, ERROR_CONFIG, "%s is a link", path);
	return error_hint(err, "-e %s reads what it leads to", path);
}

/* "a,b" is two files. Without any, the codebase's .env is read where there is one. */
static int add_env_files(
	const struct request *request, struct config *config, char **port, struct error *err)
{
	CLEANUP_FREE char *usual = strcmp(request->dir, ".") == 0
					   ? memory_copy_str(".env")
					   : memory_format("%s/.env", request->dir);

	bool found;

	if (request->env_files.len == 0) {
		if (look_for_env(usual, &found, err) < 0)
			return -1;
		return found ? settings_add_env_file(usual, config, port, err) : 0;
	}
	for (size_t i = 0; i < request->env_files.len; i++) {
		CLEANUP_FREE char *list = memory_copy_str(request->env_files.items[i]);
		char *rest = list, *file;

		while ((file = strsep(&rest, ",")))
			if (settings_add_env_file(file, config, port, err) < 0)
				return strchr(file, '=')
					       ? error_hint(err, "-e takes a file of variables")
					       : -1;
	}
	return 0;
}

/* What any value will do for, and the deploy's own keeps doing. */
static int add_secrets(const struct store *store, const struct manifest *manifest,
	struct config *config, struct error *err)
{
	for (size_t i = 0; i < manifest->env_count; i++) {
		const struct env_declaration *env = &manifest->env[i];
		struct digest secret;

		if (!env->secret || env->value || strv_env_get(&config->env, env->key))
			continue;
		if (ledger_secret(store->dir, manifest->name, DEPLOY, env->key, &secret, err) < 0)
			return -1;
		strv_env_set(&config->env, env->key, secret.hex);
	}
	return 0;
}

static int gather(const struct store *store, const struct digest *build,
	const struct request *request, struct config *config, char **port, struct error *err)
{
	struct manifest manifest;
	int result;

	config->deploy = memory_copy_str(DEPLOY);
	if (add_env_files(request, config, port, err) < 0 ||
		settings_add_flags(&request->services, config_set_service, config, err) < 0 ||
		release_manifest(store, build, &manifest, err) < 0)
		return -1;
	result = add_secrets(store, &manifest, config, err);
	manifest_done(&manifest);
	return result;
}

/* Build and release, or what they were. *ret_port is PORT of the env files. */
static int prepare(const struct cli *cli, const struct store *store, const struct request *request,
	struct target *ret, char **ret_port, struct error *err)
{
	CLEANUP_CLOSE int lock = gc_hold_off(store, err);
	struct config config = { 0 };
	struct digest id;
	int result;

	if (lock < 0 || build(cli, store, request, &id, err) < 0)
		return -1;
	result = gather(store, &id, request, &config, ret_port, err);
	if (result == 0)
		result = release_make(store, &id, &config, &ret->release, err);
	config_done(&config);
	if (result == 0)
		result = target_record(store, ret, LEDGER_RELEASE, NULL, err);
	if (result == 0)
		settings_warn(&ret->release);
	return result;
}

/* The run. */

static bool is_release_phase(const char *type)
{
	return strcmp(type, "release") == 0;
}

/* Every type that is an instance's, each followed by what. */
static void add_all(const struct release *release, const char *what, struct strv *ret)
{
	for (size_t i = 0; i < release->process_count; i++)
		if (!is_release_phase(release->processes[i].name))
			strv_addf(ret, "%s%s", release->processes[i].name, what);
}

/* "all=1,web=2": all first, wherever it stands, so that a type's own number counts. */
static int add_formation(
	const struct release *release, const char *text, struct strv *ret, struct error *err)
{
	CLEANUP_FREE char *list = memory_copy_str(text);
	CLEANUP_STRV struct strv words = { 0 };
	char *rest = list, *word;

	while ((word = strsep(&rest, ", "))) {
		if (!*word)
			continue;
		if (!strchr(word, '=')) {
			error_set(err, ERROR_USAGE, "-m %s: not TYPE=NUMBER", text);
			return error_hint(err, "as in -m web=2,worker=1 or -m all=1");
		}
		if (strncmp(word, "all=", 4) == 0)
			add_all(release, word + 3, ret);
		else
			strv_add(&words, word);
	}
	strv_add_all(ret, &words);
	return 0;
}

/* As foreman: one of each at least, unless types or -m say which. */
static int choose_types(const struct request *request, const struct release *release,
	struct strv *ret, struct error *err)
{
	strv_add_all(ret, &request->operands.words);
	for (size_t i = 0; i < request->formation.len; i++)
		if (add_formation(release, request->formation.items[i], ret, err) < 0)
			return -1;
	if (ret->len == 0)
		add_all(release, "", ret);
	return 0;
}

/* -p is where web is published, else PORT of an env file, else the caller's own, as foreman has it,
 * where there is a web to publish. An app under development is this host's business, so without an
 * address it is loopback. */
static void choose_port(const struct request *request, const char *port,
	const struct release *release, struct strv *ret)
{
	const struct process_type *web = release_process(release, "web");

	if (request->port)
		port = request->port;
	else if (!web || !web->port)
		port = NULL;
	else if (!port)
		port = getenv("PORT");
	if (port && *port)
		strv_addf(ret, "%s%s", strchr(port, ':') ? "" : "127.0.0.1:", port);
}

static int set_grace(const char *text, struct release *release, struct error *err)
{
	uint64_t grace;

	if (!text)
		return 0;
	if (number_parse_duration(text, &grace, err) < 0) {
		err->kind = ERROR_USAGE;
		return error_wrap(err, "-t");
	}
	for (size_t i = 0; i < release->process_count; i++)
		release->processes[i].stop_timeout = grace;
	return 0;
}

static int start(const struct cli *cli, const struct request *request, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	CLEANUP_TARGET struct target target = { 0 };
	CLEANUP_STRV struct strv types = { 0 };
	CLEANUP_STRV struct strv ports = { 0 };
	CLEANUP_FREE char *port = NULL;
	struct run_request run = {
		.words = &types,
		.ports = &ports,
		.log_format = request->log_format ? request->log_format : "text",
	};

	if (run_read_wait(request->wait_services, &run.wait, err) < 0 ||
		cli_check_runtime(cli, err) < 0 || store_open(cli->root, &store, err) < 0 ||
		prepare(cli, &store, request, &target, &port, err) < 0 ||
		set_grace(request->grace, &target.release, err) < 0 ||
		choose_types(request, &target.release, &types, err) < 0)
		return error_wrap(err, "start");
	choose_port(request, port, &target.release, &ports);
	advise_of_release(&target.release);
	return run_formation(cli, &run, &store, &target, err);
}

/* Where a Procfile was named its directory is the codebase, as foreman has it. */
static char *choose_dir(const struct request *request)
{
	const char *slash = request->procfile ? strrchr(request->procfile, '/') : NULL;

	if (request->dir)
		return memory_copy_str(request->dir);
	if (!slash)
		return memory_copy_str(".");
	return memory_format("%.*s",
		(int)(slash - request->procfile) + (slash == request->procfile), request->procfile);
}

int cli_start(struct cli *cli, int argc, char **argv, struct error *err)
{
	__attribute__((cleanup(request_done))) struct request request = { 0 };
	CLEANUP_FREE char *dir = NULL;
	const struct option_row rows[] = {
		{ 'e', "env", OPTION_LIST, &request.env_files, "FILE[,FILE]",
			"env files (else .env, where there is one)" },
		{ 'm', "formation", OPTION_LIST, &request.formation, "TYPE=N,…",
			"how many of each type; all=N is every type; others do not run" },
		{ 'p', "port", OPTION_TEXT, &request.port, "[ADDRESS:]PORT",
			"where web is published (else PORT, else 5000)" },
		{ 't', "timeout", OPTION_TEXT, &request.grace, "SECONDS",
			"from SIGTERM to SIGKILL (else as the manifest says, else 10)" },
		{ 'f', "procfile", OPTION_TEXT, &request.procfile, "FILE",
			"a Procfile instead of the codebase's process types" },
		{ 'd', "root", OPTION_TEXT, &request.dir, "DIR",
			"the codebase (else FILE's directory, else here)" },
		{ 0, "attach", OPTION_LIST, &request.services, "NAME=URL",
			"a declared service (else its variable in an env file attaches it)" },
		{ 0, "wait-services", OPTION_TEXT, &request.wait_services, "TIME",
			"wait for attached services, then fail: 30s" },
		{ 0, "log-format", OPTION_TEXT, &request.log_format, "FORMAT",
			"text (foreman's), heroku, json or raw" },
		{ 0, "update", OPTION_FLAG, &request.update, NULL,
			"resolve packages anew and renew isorun.lock" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "start [TYPE…] [OPTION…]",
		.summary =
			"Build, release and run the codebase as deploy dev, one instance of each "
			"process type or of\nthose named, until SIGTERM or Ctrl-C (the type "
			"release is run by isorun run -d dev release). What is\nnot committed is "
			"in it, too. Without an isorun.json it is taken for what isorun init would "
			"write. What\nhas not changed is not built again. What ends is started "
			"again after 1, 2, 4 … s.",
		.example = "isorun start -e .env,.env.local -m web=2,worker=1 -p 8080",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &request.operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (request.operands.has_command) {
		error_set(err, ERROR_USAGE, "start takes process types, no command");
		return error_hint(err, "isorun run -a APP -d " DEPLOY " -- CMD runs one");
	}
	request.dir = dir = choose_dir(&request);
	return start(cli, &request, err);
}
