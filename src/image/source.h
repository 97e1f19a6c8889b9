/* The codebase a build is made from, and where it came from. */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct source {
	int dir;      /* the codebase's directory */
	char *commit; /* "+dirty" appended where so; NULL: nothing is committed */
	char *tree;   /* NULL where the files are not exactly a commit's */
	char *remote; /* NULL: unknown */
	int64_t date; /* the commit's, in seconds; 0: unknown */
	bool dirty;
	bool listed;          /* git says which files there are, committed or not */
	bool lock_differs;    /* isorun.lock is not as committed */
	struct strv left_out; /* untracked files, which do not enter the build */
};

/* Opens the codebase at path. Without allow_dirty, one that is not as committed, or not committed
 * at all, is ERROR_INTEGRITY. isorun.lock does not count: it is an input of its own. Neither does
 * an .env that is not committed: it is a deploy's config, and never part of a build. */
int source_open(const char *path, bool allow_dirty, struct source *ret, struct error *err);

/* Writes the codebase below path app of root: the commit's files, or with allow_dirty and changes
 * what stands in the directory now, less what git ignores. Outside git that is everything but .env.
 * Modes become 0755 and 0644. */
int source_export(const struct source *source, int root, const char *app, struct error *err);

/* Opens a file or directory of the codebase for reading, committed or not. One that lies outside,
 * also by way of a symlink, is ERROR_CONFIG. */
int source_open_file(const struct source *source, const char *path, struct error *err);

/* Paths below dir of the files that source_export takes from the working directory, where git lists
 * them; else nothing and 0. */
int source_list(const struct source *source, struct strv *ret, struct error *err);

void source_done(struct source *source);

#endif
