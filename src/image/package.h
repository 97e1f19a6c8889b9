/* Debian packages in the store (packages/HEX.deb, by SHA-256): getting them there, and out. */
#ifndef IMAGE_PACKAGE_H
#define IMAGE_PACKAGE_H

#include "base/buf.h"
#include "base/error.h"
#include "image/build.h"
#include "model/lock.h"
#include "store/store.h"

struct package_fetch {
	const struct store *store;
	const struct build_options *options;
	const char *snapshot;  /* a dated mirror to ask last, or NULL */
	int work;              /* scratch directory */
	const char *work_path; /* the same, absolute */
};

/* Brings what the store does not have yet of set from the mirrors of this host's apt. */
int package_fetch(const struct package_fetch *fetch, const struct lock_set *set, struct error *err);

/* Unpacks one package's files into root, no script run. */
int package_unpack(
	const struct store *store, const struct lock_package *package, int root, struct error *err);

/* What a package says of itself: its control file and its postinst; either may be empty. */
struct package_control {
	struct buf control;
	struct buf postinst;
};
int package_read_control(const struct store *store, const struct lock_package *package,
	struct package_control *ret, struct error *err);
void package_control_done(struct package_control *control);

#endif
