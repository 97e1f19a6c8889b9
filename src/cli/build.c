/* isorun build: a codebase becomes a build in the store and, if asked, a tar. */
#include "image/build.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "image/layout.h"
#include "store/gc.h"
#include "store/store.h"

#include "buildbox.h"

#include <stdio.h>

struct request {
	const char *output;
	bool allow_dirty;
	bool update;
};

static int build(
	const struct cli *cli, const char *dir, const struct request *request, struct error *err)
{
	__attribute__((cleanup(store_done))) struct store store = { .dir = -1 };
	__attribute__((cleanup(build_done))) struct build result = { 0 };
	CLEANUP_CLOSE int lock = -1;
	struct buildbox context = { .store = &store, .runtime_dir = cli->runtime_dir };
	struct build_options options = {
		.dir = dir,
		.allow_dirty = request->allow_dirty,
		.update = request->update,
	};

	buildbox_serve(&context, &options);
	if (cli_check_runtime(cli, err) < 0 || store_open(cli->root, &store, err) < 0 ||
		(lock = gc_hold_off(&store, err)) < 0 ||
		build_codebase(&store, &options, &result, err) < 0)
		return error_wrap(err, "build");
	if (request->output) {
		const struct layout_options layout = {
			.date = result.date, .mode = 0644, .ref = result.ref
		};

		if (layout_write(&store, &result.id, &layout, request->output, err) < 0)
			return error_wrap(err, "build");
	}
	(void)printf("sha256:%s\n", result.id.hex); /* main looks at stdout when it ends */
	return 0;
}

int cli_build(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	struct request request = { 0 };
	const struct option_row rows[] = {
		{ 'o', "output", OPTION_TEXT, &request.output, "FILE",
			"also write the build as a tar, an OCI image layout" },
		{ 0, "allow-dirty", OPTION_FLAG, &request.allow_dirty, NULL,
			"build what is not committed, branded +dirty" },
		{ 0, "update", OPTION_FLAG, &request.update, NULL,
			"resolve packages anew and renew isorun.lock" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "build [DIR] [-o build.tar]",
		.summary = "Turn the codebase in DIR (default: here) into an immutable build and "
			   "print "
			   "its digest.",
		.example = "isorun build -o build.tar",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 1 || operands.has_command)
		return error_set(err, ERROR_USAGE, "build takes one directory");
	return build(cli, operands.words.len ? operands.words.items[0] : ".", &request, err);
}
