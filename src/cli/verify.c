/* isorun verify: every digest of a deploy's releases, and the chain of its ledger. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/target.h"
#include "image/release.h"
#include "ledger/ledger.h"

#include <stdio.h>
#include <string.h>

struct tally {
	uint64_t start; /* clock_now */
	unsigned verified, absent;
};

static void show_progress(const struct tally *tally, unsigned version)
{
	char step[64];

	if (clock_now() - tally->start < 1000)
		return;
	(void)snprintf(step, sizeof step, "verifying v%u", version); /* always fits */
	cli_progress(NULL, step);
}

static bool is_first(const struct ledger *ledger, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (digest_equal(&ledger->entries[i].release, &ledger->entries[index].release))
			return false;
	return true;
}

static int verify_one(const struct store *store, const struct ledger_entry *entry,
	struct tally *tally, struct error *err)
{
	if (!store_has_blob(store, &entry->release)) {
		tally->absent++; /* gc keeps only the last ones */
		return 0;
	}
	show_progress(tally, entry->version);
	if (release_verify(store, &entry->release, err) < 0)
		return error_wrap(err, "v%u", entry->version);
	tally->verified++;
	return 0;
}

static int verify_all(const struct store *store, const struct ledger *ledger, struct tally *ret,
	struct error *err)
{
	for (size_t i = 0; i < ledger->count; i++)
		if (is_first(ledger, i) && verify_one(store, &ledger->entries[i], ret, err) < 0)
			return -1;
	return 0;
}

static int verify_deploy(
	const struct store *store, const struct target_choice *choice, struct error *err)
{
	struct target_deploy deploy;
	struct tally tally = { .start = clock_now() };
	struct ledger ledger;
	size_t count;
	int result;

	if (target_choose(store, choice, &deploy, err) < 0 ||
		ledger_read(store->dir, deploy.app, deploy.deploy, &ledger, err) < 0)
		return -1;
	result = verify_all(store, &ledger, &tally, err);
	count = ledger.count;
	ledger_done(&ledger);
	cli_progress(NULL, NULL);
	if (result < 0)
		return -1;
	/* main looks at stdout when it ends. */
	(void)printf("%s/%s: %zu ledger entries, %u releases verified", deploy.app, deploy.deploy,
		count, tally.verified);
	(void)printf(tally.absent ? ", %u no longer in the store\n" : "\n", tally.absent);
	return 0;
}

static int verify_release(const struct store *store, const char *what,
	const struct target_choice *choice, struct error *err)
{
	CLEANUP_TARGET struct target target = { 0 };

	if (target_open(store, what, choice, false, &target, err) < 0)
		return -1;
	if (release_verify(store, &target.release.id, err) < 0)
		return error_wrap(err, "%s", what);
	(void)printf("sha256:%s: verified\n", target.release.id.hex); /* as above */
	return 0;
}

int cli_verify(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	struct target_choice choice = { 0 };
	const struct option_row rows[] = {
		{ 'a', "app", OPTION_TEXT, &choice.app, "APP", "the app" },
		{ 'd', "deploy", OPTION_TEXT, &choice.deploy, "DEPLOY", "the deploy" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "verify [RELEASE] [-a APP] [-d DEPLOY]",
		.summary = "Check every digest of a release, or of all of a deploy and its ledger: "
			   "documents,\nlayers and what is unpacked of them.",
		.example = "isorun verify v7",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 1 || operands.has_command)
		return error_set(err, ERROR_USAGE, "verify takes one release");
	if (store_open(cli->root, &store, err) < 0)
		return -1;
	return operands.words.len ? verify_release(&store, operands.words.items[0], &choice, err)
				  : verify_deploy(&store, &choice, err);
}
