/* What maintainer scripts would have made of an unpacked root, as far as a program needs it. */
#ifndef IMAGE_POSTINST_H
#define IMAGE_POSTINST_H

#include "base/error.h"
#include "model/lock.h"
#include "store/store.h"

/* After all packages of set are unpacked into root: records of what is installed, alternatives,
 * system accounts, the CA bundle, the time zone, the linker's cache. No script is run. */
int postinst_replace(
	const struct store *store, const struct lock_set *set, int root, struct error *err);

#endif
