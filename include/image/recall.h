/* Builds that need not be made again. */
#ifndef IMAGE_RECALL_H
#define IMAGE_RECALL_H

#include "base/digest.h"
#include "base/error.h"
#include "image/build.h"
#include "store/store.h"

#include <stdbool.h>

/* build_codebase, or what the last recall_build of this directory made where all that a build is
 * made of is still the same and the store still has it whole: commit, files that differ from it,
 * manifest, lock file, declared files. *ret_made says which. Contents are compared, not times. What
 * a build command downloads is not part of it; with options->update there is always a build. */
int recall_build(const struct store *store, const struct build_options *options, struct digest *ret,
	bool *ret_made, struct error *err);

#endif
