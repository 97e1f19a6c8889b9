/* One digest of all that a build of a codebase follows from. */
#ifndef IMAGE_FINGERPRINT_H
#define IMAGE_FINGERPRINT_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strv.h"
#include "image/build.h"

/* The digest of the codebase that options name, and of inputs: paths in it that its manifest takes
 * from the directory, committed or not. isorun.lock is not in it unless it is among them. */
int fingerprint_take(const struct build_options *options, const struct strv *inputs,
	struct digest *ret, struct error *err);

#endif
