/* isorun rollback: an earlier release becomes the newest again, build and config together. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "image/release.h"
#include "ledger/ledger.h"
#include "store/gc.h"

#include <stdio.h>
#include <string.h>

struct request {
	struct target_choice choice;
	const char *what; /* NULL: the one before the newest */
	const char *output;
};

static int find_before(
	const struct ledger *ledger, const struct ledger_entry **ret, struct error *err)
{
	const struct ledger_entry *newest = ledger_newest(ledger);

	for (const struct ledger_entry *entry = newest; entry && entry > ledger->entries;) {
		entry--;
		if (entry->kind == LEDGER_ADMIN || digest_equal(&entry->release, &newest->release))
			continue;
		*ret = entry;
		return 0;
	}
	return error_set(err, ERROR_NO_SUCH, "no release before %s%.0u", newest ? "v" : "it",
		newest ? newest->version : 0);
}

static int find(const struct ledger *ledger, const char *what, const struct ledger_entry **ret,
	struct error *err)
{
	const struct ledger_entry *newest = ledger_newest(ledger);

	if (!what)
		return find_before(ledger, ret, err);
	if (ledger_find(ledger, what, ret, err) < 0)
		return -1;
	if (digest_equal(&(*ret)->release, &newest->release))
		return error_set(err, ERROR_USAGE, "v%u is what the newest release v%u is already",
			(*ret)->version, newest->version);
	return 0;
}

static int roll_back(const struct store *store, const struct request *request,
	const struct ledger_entry *entry, struct error *err)
{
	CLEANUP_FREE char *description = memory_format("rollback to v%u", entry->version);
	CLEANUP_TARGET struct target target = { 0 };

	if (release_load(store, &entry->release, &target.release, err) < 0)
		return -1;
	if (request->output && release_write(store, &target.release, request->output, err) < 0)
		return -1;
	if (target_record(store, &target, LEDGER_ROLLBACK, description, err) < 0)
		return -1;
	(void)printf("%s\n", target.version); /* main looks at stdout when it ends */
	return 0;
}

static int rollback(const struct cli *cli, const struct request *request, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	const struct ledger_entry *entry;
	CLEANUP_CLOSE int lock = -1;
	struct target_deploy deploy;
	struct ledger ledger;
	int result;

	if (store_open(cli->root, &store, err) < 0 || (lock = gc_hold_off(&store, err)) < 0 ||
		target_choose(&store, &request->choice, &deploy, err) < 0 ||
		ledger_read(store.dir, deploy.app, deploy.deploy, &ledger, err) < 0)
		return -1;
	result = find(&ledger, request->what, &entry, err);
	if (result == 0)
		result = roll_back(&store, request, entry, err);
	ledger_done(&ledger);
	return result;
}

int cli_rollback(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'a', "app", OPTION_TEXT, &request.choice.app, "APP", "the app" },
		{ 'd', "deploy", OPTION_TEXT, &request.choice.deploy, "DEPLOY", "the deploy" },
		{ 'o', "output", OPTION_TEXT, &request.output, "FILE",
			"also write the release as a tar (it holds secrets: 0600)" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "rollback [vN] [-a APP] [-d DEPLOY] [-o FILE]",
		.summary =
			"Make an earlier release (vN, else the one before the newest) the newest "
			"again, as a new\nentry of the ledger, and print its name.",
		.example = "isorun rollback v3 -d staging -o release.tar",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 1 || operands.has_command)
		return error_set(err, ERROR_USAGE, "rollback takes one release");
	request.what = operands.words.len ? operands.words.items[0] : NULL;
	return rollback(cli, &request, err);
}
