/* isorun run: a formation in the foreground, or a one-off. What is common is the release and its
 * place; which of the two it is, "--" says. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "kernel/cgroup.h"
#include "kernel/userns.h"
#include "ledger/ledger.h"
#include "model/config.h"
#include "store/store.h"
#include "supervisor/formation.h"
#include "supervisor/oneoff.h"
#include "supervisor/refused.h"
#include "supervisor/supervisor.h"

#include "run.h"

#include <string.h>
#include <unistd.h>

enum { EXIT_ISORUN = 125 }; /* of a one-off: isorun's own failures, as docker run says it */

struct request {
	struct target_choice choice;
	struct strv ports;
	struct strv env;
	const char *log_format;
	const char *wait_services;
	uint64_t wait;    /* milliseconds */
	bool interactive; /* standard input is the command's own in any case */
	bool terminal;
	struct operands operands;
};

static struct site_config describe_site(const struct cli *cli, uint64_t wait,
	const struct store *store, const struct target *target)
{
	return (struct site_config){
		.store = store,
		.runtime_dir = cli->runtime_dir,
		.network = cli->network,
		.release = &target->release,
		.version = target->version,
		.wait_services = wait,
	};
}

/* The formation. */

/* -p on the command line takes the place of what the release publishes. */
static int replace_ports(const struct strv *texts, struct release *release, struct error *err)
{
	struct config config = { 0 };

	for (size_t i = 0; i < texts->len; i++) {
		if (config_set_port(&config, texts->items[i], err) == 0)
			continue;
		config_done(&config);
		return -1;
	}
	for (size_t i = 0; i < config.port_count; i++) {
		const struct process_type *type = release_process(release, config.ports[i].process);

		if (type && type->port)
			continue;
		error_set(err, ERROR_CONFIG, "-p %s: %s has no process type \"%s\" with a port",
			texts->items[i], release->app, config.ports[i].process);
		config_done(&config);
		return -1;
	}
	for (size_t i = 0; i < release->port_count; i++) {
		free(release->ports[i].process);
		free(release->ports[i].address);
	}
	free(release->ports);
	release->ports = STEAL(config.ports);
	release->port_count = config.port_count;
	config.port_count = 0;
	config_done(&config);
	return 0;
}

/* Ports of types that do not run are not held. */
static void drop_idle_ports(const struct formation *formation, struct release *release)
{
	size_t kept = 0;

	for (size_t i = 0; i < release->port_count; i++) {
		bool idle = false;

		for (size_t j = 0; j < formation->count; j++)
			idle = idle || (formation->wants[j].quantity == 0 &&
					       strcmp(formation->wants[j].type->name,
						       release->ports[i].process) == 0);
		if (!idle) {
			release->ports[kept++] = release->ports[i];
			continue;
		}
		free(release->ports[i].process);
		free(release->ports[i].address);
	}
	release->port_count = kept;
}

int run_formation(const struct cli *cli, const struct run_request *request,
	const struct store *store, struct target *target, struct error *err)
{
	const char *format = request->log_format ? request->log_format : target->release.log_format;
	struct formation formation;
	struct supervisor_config config = {
		.site = describe_site(cli, request->wait, store, target),
		.formation = &formation,
		.output = STDOUT_FILENO,
		.color = cli->color,
	};
	int status;

	if (line_format_parse(format, isatty(STDOUT_FILENO), &config.format, err) < 0)
		return -1;
	if (request->ports->len > 0 && replace_ports(request->ports, &target->release, err) < 0)
		return -1;
	if (formation_choose(&target->release, request->words, &formation, err) < 0)
		return -1;
	drop_idle_ports(&formation, &target->release);
	if (!userns_owns_ids())
		cli_warn_of_groups();
	status = supervisor_run(&config, err);
	formation_done(&formation);
	return status;
}

/* The one-off. */

static char *join_words(const struct strv *words)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < words->len; i++)
		buf_addf(&text, "%s%s", i > 0 ? " " : "", words->items[i]);
	return buf_take(&text);
}

/* Afterwards, so that the command did not wait for it. */
static void record(const struct store *store, const struct target *target,
	const struct oneoff_config *oneoff, int status)
{
	const struct release *release = &target->release;
	char user[TARGET_NAME];
	struct ledger_entry entry = {
		.kind = LEDGER_ADMIN,
		.version = target->number,
		.release = release->id,
		.description = oneoff->argv            ? join_words(oneoff->argv)
			       : oneoff->type->command ? memory_copy_str(oneoff->type->command)
						       : join_words(&oneoff->type->argv),
		.user = memory_copy_str(target_user(user)),
		.status = status,
	};
	struct error err;

	if (ledger_append(store->dir, release->app, release->deploy, &entry, NULL, true, &err) < 0)
		cli_warn("this run is not in the ledger: %s", err.text);
	ledger_entry_done(&entry);
}

/* Limits that were asked for and do not hold; the default ones of a host without controllers would
 * be said at every run. */
static void warn_of_limits(const struct target *target, const struct oneoff_result *result)
{
	const struct process_type *type = oneoff_type(&target->release);
	unsigned asked = (type->limits.memory ? CGROUP_MEMORY : 0) |
			 (type->limits.cpu_milli ? CGROUP_CPU : 0) |
			 (type->limits.pids ? CGROUP_PIDS : 0);
	char names[40];

	if (result->missing & asked)
		cli_warn("not limited: this host's cgroups cannot enforce %s",
			cgroup_names(result->missing & asked, names));
	if ((result->missing & asked) && *result->notice)
		cli_warn("%s", result->notice);
	if (result->oom)
		cli_warn("killed for want of memory (oom)");
}

/* What it was refused may be why it did not do what it was to do. */
static void warn_of_refused(const struct target *target, const struct oneoff_result *result)
{
	const char *reason = refused_reason(target->release.egress);

	for (size_t i = 0; i < result->refused_count; i++) {
		const struct oneoff_refused *refused = &result->refused[i];

		if (refused->times == 1)
			cli_warn("refused %s: %s", refused->what, reason);
		else
			cli_warn(
				"refused %s: %s (%u times)", refused->what, reason, refused->times);
	}
	if (result->refused_others > 0)
		cli_warn("refused what went to further destinations: %s (%u times)", reason,
			result->refused_others);
}

/* Services that it could not reach are the other reason. */
static void warn_of_notices(struct oneoff_result *result)
{
	for (size_t i = 0; i < result->notices.len; i++)
		cli_warn("%s", result->notices.items[i]);
	strv_done(&result->notices);
}

/* The release phase, where it is what was asked for: it is run once, to its end, like a command. */
static const struct process_type *release_phase(
	const struct request *request, const struct release *release)
{
	const struct operands *operands = &request->operands;

	if (operands->has_command || operands->words.len != 2 ||
		strcmp(operands->words.items[1], "release") != 0)
		return NULL;
	return release_process(release, "release");
}

static int run_command(const struct cli *cli, const struct request *request,
	const struct store *store, struct target *target, struct error *err)
{
	const struct process_type *phase = release_phase(request, &target->release);
	const struct oneoff_config config = {
		.site = describe_site(cli, request->wait, store, target),
		.type = phase,
		.argv = phase ? NULL : &request->operands.command,
		.terminal = request->terminal,
		.term = getenv("TERM"),
	};
	struct oneoff_result result = { 0 };

	for (size_t i = 0; i < request->env.len; i++) {
		struct config given = { 0 };
		int status = config_set_env(&given, request->env.items[i], err);

		for (size_t j = 0; status == 0 && j < given.env.len; j++) {
			char *equals = strchr(given.env.items[j], '=');

			*equals = '\0';
			strv_env_set(&target->release.env, given.env.items[j], equals + 1);
		}
		config_done(&given);
		if (status < 0)
			return -1;
	}
	if (oneoff_run(&config, &result, err) < 0) {
		strv_done(&result.notices);
		return -1;
	}
	warn_of_limits(target, &result);
	warn_of_refused(target, &result);
	warn_of_notices(&result);
	record(store, target, &config, result.status);
	return result.status;
}

static int check_request(const struct request *request, struct error *err)
{
	const struct operands *operands = &request->operands;

	if (operands->has_command && operands->command.len == 0)
		return error_set(err, ERROR_USAGE, "there is no command behind --");
	if (operands->has_command && operands->words.len > 1)
		return error_set(err, ERROR_USAGE, "%s: a one-off has a command, no process types",
			operands->words.items[1]);
	if (operands->has_command && (request->ports.len > 0 || request->log_format))
		return error_set(err, ERROR_USAGE, "a one-off publishes no port and has no log");
	if (!operands->has_command &&
		(request->terminal || request->interactive || request->env.len > 0)) {
		error_set(err, ERROR_USAGE, "-i, -t and -e need a command");
		return error_hint(err, "isorun run RELEASE -it -- CMD");
	}
	return 0;
}

static int run(struct cli *cli, const struct request *request, struct error *err)
{
	const struct operands *operands = &request->operands;
	const char *what = operands->words.len > 0 ? operands->words.items[0] : NULL;
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	CLEANUP_TARGET struct target target = { 0 };
	CLEANUP_STRV struct strv types = { 0 };

	if (check_request(request, err) < 0)
		return -1;
	if (operands->has_command)
		cli->failure_status = EXIT_ISORUN;
	if (cli_check_runtime(cli, err) < 0 || store_open(cli->root, &store, err) < 0 ||
		target_open(&store, what, &request->choice, true, &target, err) < 0)
		return -1;
	if (operands->has_command || release_phase(request, &target.release)) {
		cli->failure_status = EXIT_ISORUN;
		return run_command(cli, request, &store, &target, err);
	}
	for (size_t i = 1; i < operands->words.len; i++)
		strv_add(&types, operands->words.items[i]);
	return run_formation(cli,
		&(struct run_request){
			.words = &types,
			.ports = &request->ports,
			.log_format = request->log_format,
			.wait = request->wait,
		},
		&store, &target, err);
}

int run_read_wait(const char *text, uint64_t *ret, struct error *err)
{
	if (!text || number_parse_duration(text, ret, err) == 0)
		return 0;
	err->kind = ERROR_USAGE;
	return error_wrap(err, "--wait-services");
}

int cli_run(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'p', "publish", OPTION_LIST, &request.ports, "[ADDRESS:]PORT[:TYPE]",
			"publish there instead" },
		{ 0, "log-format", OPTION_TEXT, &request.log_format, "FORMAT",
			"text, heroku, json, raw or auto" },
		{ 'i', "interactive", OPTION_FLAG, &request.interactive, NULL,
			"standard input goes to CMD (it always does)" },
		{ 't', "tty", OPTION_FLAG, &request.terminal, NULL, "CMD gets a terminal" },
		{ 'e', "env", OPTION_LIST, &request.env, "KEY=VALUE",
			"one more variable for CMD, this once" },
		{ 0, "wait-services", OPTION_TEXT, &request.wait_services, "TIME",
			"wait for attached services, then fail: 30s" },
		{ 'a', "app", OPTION_TEXT, &request.choice.app, "APP", "whose newest release" },
		{ 'd', "deploy", OPTION_TEXT, &request.choice.deploy, "DEPLOY", "likewise" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "run [RELEASE] [TYPE[=N]…]  or  isorun run [RELEASE] [-it] -- CMD…",
		.summary =
			"Run a release's formation in the foreground until SIGTERM or Ctrl-C, "
			"or a command as one of its instances.\nRELEASE is a file, v7, or an id. "
			"The type release runs once, to its end.",
		.example = "isorun run release.tar web=2\n  isorun run v7 -it -- /bin/sh",
		.rows = rows,
	};
	int status = options_parse(&usage, argc, argv, &request.operands, err);

	if (status == 0)
		status = run_read_wait(request.wait_services, &request.wait, err);
	if (status == 0)
		status = run(cli, &request, err);
	else if (status > 0)
		status = 0;
	operands_done(&request.operands);
	strv_done(&request.ports);
	strv_done(&request.env);
	return status;
}
