/* isorun releases: what a deploy's ledger holds, newest first. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "ledger/ledger.h"

#include <stdio.h>
#include <string.h>

enum { COMMIT_SHOWN = 12, TIME_SHOWN = 19 };

struct request {
	struct target_choice choice;
	bool json, all;
};

static void name_of(const struct ledger_entry *entry, char name[TARGET_VERSION])
{
	(void)snprintf(name, TARGET_VERSION, "v%u-%.*s", entry->version, DIGEST_SHORT,
		entry->release.hex); /* always fits */
}

static void set_text(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(
		object, key, text ? json_string(text) : json_null()); /* only without memory */
}

static json_t *describe(const struct ledger_entry *entry)
{
	char time[CLOCK_TEXT];
	char name[TARGET_VERSION];
	json_t *object;

	clock_print(entry->time, time);
	name_of(entry, name);
	object = json_pack("{s:s, s:i, s:s, s:s+, s:s, s:i}", "kind", ledger_kind_name(entry->kind),
		"version", (int)entry->version, "name", name, "id", "sha256:", entry->release.hex,
		"time", time, "status", entry->status);
	set_text(object, "commit", entry->commit);
	set_text(object, "description", entry->description);
	set_text(object, "user", entry->user);
	return object;
}

static bool is_shown(const struct ledger_entry *entry, const struct request *request)
{
	return request->all || entry->kind != LEDGER_ADMIN;
}

static void print_json(const struct ledger *ledger, const struct request *request)
{
	CLEANUP_JSON json_t *list = json_array();
	CLEANUP_BUF struct buf text = { 0 };

	for (size_t i = ledger->count; i > 0; i--)
		if (is_shown(&ledger->entries[i - 1], request))
			(void)json_array_append_new(
				list, describe(&ledger->entries[i - 1])); /* only without memory */
	json_print(list, true, &text);
	(void)fputs(text.data, stdout); /* main looks at stdout when it ends */
}

/* What a person calls an entry. */
static void print_what(const struct ledger_entry *entry)
{
	/* main looks at stdout when it ends. */
	if (entry->kind == LEDGER_ADMIN)
		(void)printf("run -- %s (exit %d)\n", entry->description ? entry->description : "",
			entry->status);
	else
		(void)printf("%s%s\n",
			entry->description ? entry->description : ledger_kind_name(entry->kind),
			entry->commit && strchr(entry->commit, '+') ? " (dirty)" : "");
}

static void print_table(const struct ledger *ledger, const struct request *request)
{
	(void)printf("%-18s %-19s %-12s %-10s %s\n", "RELEASE", "TIME (UTC)", "COMMIT", "USER",
		"WHAT"); /* main looks at stdout when it ends */
	for (size_t i = ledger->count; i > 0; i--) {
		const struct ledger_entry *entry = &ledger->entries[i - 1];
		char time[CLOCK_TEXT];
		char name[TARGET_VERSION];

		if (!is_shown(entry, request))
			continue;
		clock_print(entry->time, time);
		time[10] = ' ';
		name_of(entry, name);
		(void)printf("%-18s %.*s %-12.*s %-10s ", name, TIME_SHOWN, time, COMMIT_SHOWN,
			entry->commit ? entry->commit : "-",
			entry->user ? entry->user : "-"); /* as above */
		print_what(entry);
	}
}

static int releases(const struct cli *cli, const struct request *request, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	struct target_deploy deploy;
	struct ledger ledger;

	if (store_open(cli->root, &store, err) < 0 ||
		target_choose(&store, &request->choice, &deploy, err) < 0 ||
		ledger_read(store.dir, deploy.app, deploy.deploy, &ledger, err) < 0)
		return -1;
	if (request->json)
		print_json(&ledger, request);
	else
		print_table(&ledger, request);
	ledger_done(&ledger);
	return 0;
}

int cli_releases(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'a', "app", OPTION_TEXT, &request.choice.app, "APP", "the app" },
		{ 'd', "deploy", OPTION_TEXT, &request.choice.deploy, "DEPLOY", "the deploy" },
		{ 0, "all", OPTION_FLAG, &request.all, NULL, "one-offs as well" },
		{ 0, "json", OPTION_FLAG, &request.json, NULL, "as JSON" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "releases [-a APP] [-d DEPLOY]",
		.summary = "List a deploy's releases, newest first, from its verified ledger.",
		.example = "isorun releases -d staging --json",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 0 || operands.has_command)
		return error_set(err, ERROR_USAGE, "releases takes no operand");
	return releases(cli, &request, err);
}
