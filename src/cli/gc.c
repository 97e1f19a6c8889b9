/* isorun gc: free what no release needs. Kept are, of each deploy, the last ten releases of its
 * ledger and their builds; what a running deploy stands on; and, for builds that no release has
 * yet, what is younger than a day. */
#include "store/gc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "image/layout.h"
#include "image/release.h"
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RELEASES_KEPT = 10, DAY = 24 * 60 * 60 };

struct request {
	bool dry_run, recent;
};

struct tally {
	uint64_t bytes;
	unsigned items;
	bool dry_run;
};

/* An image and all that it refers to; one that is not there any more keeps nothing. */
static int keep_image(
	const struct store *store, const struct digest *id, struct strv *keep, struct error *err)
{
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);

	if (strv_has(keep, id->hex) || !store_has_blob(store, id))
		return 0;
	if (layout_read_image(store, id, image, err) < 0)
		return -1;
	strv_add(keep, id->hex);
	strv_add(keep, image->config.hex);
	for (size_t i = 0; i < image->layer_count; i++)
		strv_add(keep, image->layers[i].hex);
	return 0;
}

static int keep_release(
	const struct store *store, const struct digest *id, struct strv *keep, struct error *err)
{
	struct release release;
	int result;

	if (!store_has_blob(store, id))
		return 0;
	if (keep_image(store, id, keep, err) < 0 || release_load(store, id, &release, err) < 0)
		return -1;
	result = release.build.hex[0] ? keep_image(store, &release.build, keep, err) : 0;
	release_done(&release);
	return result;
}

static int keep_last(const struct store *store, const struct ledger *ledger, struct strv *keep,
	struct error *err)
{
	int kept = 0;

	for (size_t i = ledger->count; i > 0 && kept < RELEASES_KEPT; i--) {
		const struct ledger_entry *entry = &ledger->entries[i - 1];

		if (entry->kind == LEDGER_ADMIN)
			continue;
		if (keep_release(store, &entry->release, keep, err) < 0)
			return -1;
		kept++;
	}
	return 0;
}

/* name is "app/deploy". */
static int keep_deploy(
	const struct store *store, const char *name, struct strv *keep, struct error *err)
{
	CLEANUP_FREE char *app = memory_copy_str(name);
	char *slash = strchr(app, '/');
	struct ledger ledger;
	int result;

	*slash = '\0';
	if (ledger_read(store->dir, app, slash + 1, &ledger, err) < 0)
		return -1;
	result = keep_last(store, &ledger, keep, err);
	ledger_done(&ledger);
	return result;
}

static void on_item(void *context, const char *name, uint64_t bytes)
{
	struct tally *tally = context;

	tally->bytes += bytes;
	tally->items++;
	if (tally->dry_run)
		(void)printf("%12" PRIu64 " %s\n", bytes, name); /* main looks at stdout */
}

static int collect(const struct store *store, const struct request *request, struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };
	CLEANUP_STRV struct strv keep = { 0 };
	CLEANUP_CLOSE int lock = gc_begin(store, err);
	struct tally tally = { .dry_run = request->dry_run };
	const struct gc_request gc = {
		.keep = &keep,
		.before = clock_real() / 1000000 - (request->recent ? -1 : DAY),
		.dry_run = request->dry_run,
		.on_item = on_item,
		.context = &tally,
	};

	if (lock < 0 || ledger_list(store->dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++)
		if (keep_deploy(store, names.items[i], &keep, err) < 0)
			return -1;
	strv_sort(&keep);
	if (gc_run(store, &gc, err) < 0)
		return -1;
	/* Trees count as nothing: what they hold was counted with their blobs. */
	(void)printf("%s %u items, %" PRIu64 " bytes and what was unpacked of them\n",
		request->dry_run ? "would free" : "freed", tally.items, tally.bytes);
	return 0;
}

int cli_gc(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 0, "dry-run", OPTION_FLAG, &request.dry_run, NULL, "only say what would go" },
		{ 0, "recent", OPTION_FLAG, &request.recent, NULL,
			"also what is younger than a day" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "gc [--dry-run] [--recent]",
		.summary =
			"Free what neither a deploy's last ten releases nor a running one needs.",
		.example = "isorun gc --dry-run",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 0 || operands.has_command)
		return error_set(err, ERROR_USAGE, "gc takes no operand");
	if (store_open(cli->root, &store, err) < 0)
		return -1;
	return collect(&store, &request, err);
}
