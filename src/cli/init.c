/* isorun init: a first isorun.json for a codebase that was written for other tools. */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "codebase.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST "isorun.json"

static int init(const char *path, bool force, struct error *err)
{
	CLEANUP_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_STRV struct strv notes = { 0 };

	if (dir < 0)
		return error_errno(err, "%s", path);
	if (!force && faccessat(dir, MANIFEST, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		error_set(err, ERROR_FAILED, "%s: %s is there already", path, MANIFEST);
		return error_hint(err, "--force replaces it");
	}
	if (codebase_init(dir, path, NULL, &text, &notes, err) < 0)
		return -1;
	for (size_t i = 0; i < notes.len; i++)
		cli_warn("%s", notes.items[i]);
	if (file_write_at(dir, MANIFEST, 0644, text.data, text.len, err) < 0)
		return -1;
	(void)fwrite(text.data, 1, text.len, stdout); /* main looks at stdout when it ends */
	(void)fprintf(stderr, "isorun: wrote %s%s%s\n", strcmp(path, ".") == 0 ? "" : path,
		strcmp(path, ".") == 0 ? "" : "/", MANIFEST); /* nobody is left to tell */
	return 0;
}

int cli_init(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	bool force = false;
	const struct option_row rows[] = {
		{ 0, "force", OPTION_FLAG, &force, NULL, "replace an isorun.json that is there" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "init [DIR] [--force]",
		.summary = "Write an isorun.json for the codebase in DIR (default: here) from its "
			   "Procfile, app.json,\npackage.json and requirements.txt, and show it. "
			   "What has no counterpart is warned of.",
		.example = "isorun init && git add isorun.json",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	(void)cli; /* a verb's signature */
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 1 || operands.has_command)
		return error_set(err, ERROR_USAGE, "init takes one directory");
	if (init(operands.words.len ? operands.words.items[0] : ".", force, err) < 0)
		return error_wrap(err, "init");
	return 0;
}
