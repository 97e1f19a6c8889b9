/* The dependencies layer: skeleton, base, packages and declared files in one root. */
#ifndef IMAGE_DEPENDENCIES_H
#define IMAGE_DEPENDENCIES_H

#include "base/digest.h"
#include "base/error.h"
#include "image/build.h"
#include "model/lock.h"
#include "model/manifest.h"
#include "source.h"
#include "store/store.h"

#include <stdint.h>

struct dependencies {
	const struct store *store;
	const struct build_options *options;
	const struct source *source;
	const struct manifest *manifest;
	const struct lock *lock;
	int work;              /* scratch directory */
	const char *work_path; /* the same, absolute */
	int app; /* the codebase as built: where declared files are looked for first */
};

/* Finds the layer in the store by the digest of all that goes into it, or makes it. */
int dependencies_ensure(
	const struct dependencies *dependencies, struct digest *ret, struct error *err);

/* The same for the root that the build command runs on: the build's packages with the app's, on
 * the same base, without declared files. */
int dependencies_ensure_build(
	const struct dependencies *dependencies, struct digest *ret, struct error *err);

/* Copies the files that dependencies.files declares below /app into root (below_app), or the
 * others. */
int dependencies_copy_files(
	const struct dependencies *dependencies, bool below_app, int root, struct error *err);

#endif
