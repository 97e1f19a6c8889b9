/* isorun inspect: what a release will run. Values of the environment are shown only when asked
 * for: they are the deploy's secrets, and terminals and CI logs are read by many. */
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"

#include <stdio.h>
#include <string.h>

struct request {
	struct target_choice choice;
	const char *what; /* NULL: the newest */
	bool json, reveal;
};

static const char mask[] = "********";

static void print_json(const struct target *target, const struct request *request)
{
	json_t *release = release_print(&target->release);
	CLEANUP_JSON json_t *value =
		json_pack("{s:s+, s:s?, s:i, s:o}", "id", "sha256:", target->release.id.hex, "name",
			target->version, "number", (int)target->number, "release", release);
	CLEANUP_BUF struct buf text = { 0 };
	json_t *env = json_object_get(release, "env");
	const char *key;
	json_t *item;

	if (!request->reveal)
		json_object_foreach (env, key, item)
			(void)json_string_set(item, mask); /* only without memory */
	json_print(value, true, &text);
	(void)fputs(text.data, stdout); /* main looks at stdout when it ends */
}

/* What follows prints without looking: main looks at stdout when it ends. */

static void print_row(const char *name, const char *text)
{
	(void)printf("%-9s %s\n", name, text);
}

static void print_digest(const char *name, const struct digest *digest)
{
	(void)printf("%-9s sha256:%s\n", name, digest->hex);
}

static void print_limits(const struct limits *limits)
{
	if (limits->memory)
		(void)printf(", memory %lluM", (unsigned long long)(limits->memory >> 20));
	if (limits->cpu_milli)
		(void)printf(", cpu %g", limits->cpu_milli / 1000.0);
	if (limits->pids)
		(void)printf(", pids %u", limits->pids);
}

static void print_process(const struct process_type *type)
{
	(void)printf("%-9s %s=%u:", "process", type->name, type->quantity);
	if (type->command)
		(void)printf(" %s", type->command);
	for (size_t i = 0; !type->command && i < type->argv.len; i++)
		(void)printf(" %s", type->argv.items[i]);
	if (type->port)
		(void)printf(" (port %u)", (unsigned)type->port_number);
	print_limits(&type->limits);
	(void)printf("\n");
}

static void print_env(const struct strv *env, bool reveal)
{
	for (size_t i = 0; i < env->len; i++) {
		const char *item = env->items[i];
		int len = (int)strcspn(item, "=");

		(void)printf("%-9s %.*s=%s\n", "env", len, item, reveal ? item + len + 1 : mask);
	}
}

static void print_text(const struct target *target, const struct request *request)
{
	static const char *const egress[] = {
		[EGRESS_SERVICES] = "services", [EGRESS_NONE] = "none", [EGRESS_OPEN] = "open"
	};
	const struct release *release = &target->release;

	print_row("release", target->number ? target->version : "not in the ledger");
	print_digest("id", &release->id);
	print_row("app", release->app);
	print_row("deploy", release->deploy);
	print_digest("build", &release->build);
	print_row("commit", release->commit ? release->commit : "-");
	for (size_t i = 0; i < release->layer_count; i++)
		print_digest("layer", &release->layers[i]);
	for (size_t i = 0; i < release->process_count; i++)
		print_process(&release->processes[i]);
	for (size_t i = 0; i < release->port_count; i++)
		(void)printf("%-9s %s on %s:%u\n", "port", release->ports[i].process,
			release->ports[i].address, (unsigned)release->ports[i].port);
	for (size_t i = 0; i < release->services.len; i++)
		print_row("service", release->services.items[i]);
	print_row("egress", egress[release->egress]);
	print_env(&release->env, request->reveal);
}

static int inspect(const struct cli *cli, const struct request *request, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	CLEANUP_TARGET struct target target = { 0 };

	if (store_open(cli->root, &store, err) < 0 ||
		target_open(&store, request->what, &request->choice, false, &target, err) < 0)
		return -1;
	if (request->json)
		print_json(&target, request);
	else
		print_text(&target, request);
	return 0;
}

int cli_inspect(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'a', "app", OPTION_TEXT, &request.choice.app, "APP", "the app" },
		{ 'd', "deploy", OPTION_TEXT, &request.choice.deploy, "DEPLOY", "the deploy" },
		{ 0, "reveal", OPTION_FLAG, &request.reveal, NULL,
			"show the values of the environment" },
		{ 0, "json", OPTION_FLAG, &request.json, NULL, "as JSON" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "inspect [RELEASE] [--json] [--reveal]",
		.summary =
			"Show what a release (a tar, vN, an id; else the deploy's newest) holds, "
			"values masked.",
		.example = "isorun inspect v7 -d staging --json",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 1 || operands.has_command)
		return error_set(err, ERROR_USAGE, "inspect takes one release");
	request.what = operands.words.len ? operands.words.items[0] : NULL;
	return inspect(cli, &request, err);
}
