/* isorun.lock of a codebase: read and obeyed, or made by resolving. */
#ifndef IMAGE_LOCKFILE_H
#define IMAGE_LOCKFILE_H

#include "base/error.h"
#include "image/build.h"
#include "model/lock.h"
#include "model/manifest.h"
#include "source.h"

#include <stdbool.h>

struct lockfile {
	struct lock lock; /* all empty where no packages are declared */
	bool fresh;       /* just resolved, not yet written */
};

struct lockfile_request {
	const struct build_options *options;
	const struct source *source;
	const struct manifest *manifest;
	int work;              /* scratch directory */
	const char *work_path; /* the same, absolute */
};

/* Reads the codebase's lock file, or resolves where there is none or an update was asked for. One
 * that does not cover what the manifest declares is ERROR_CONFIG. */
int lockfile_open(const struct lockfile_request *request, struct lockfile *ret, struct error *err);

/* Writes a fresh one into the codebase. */
int lockfile_keep(const struct lockfile *lockfile, const struct source *source, struct error *err);

void lockfile_done(struct lockfile *lockfile);

#endif
