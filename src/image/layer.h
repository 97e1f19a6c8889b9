/* A directory as an OCI layer: a plain tar whose bytes depend on the files and the date alone. */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include "base/digest.h"
#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct layer_options {
	int64_t date;     /* of every entry, in seconds since 1970 */
	bool plain_modes; /* 0755 and 0644 only, as for files out of a commit */
};

/* Packs everything below dir (dir itself is no entry) into a blob of the store: entries sorted by
 * path, owned by 0:0. *ret is both its digest and its diff_id. */
int layer_pack(const struct store *store, int dir, const struct layer_options *options,
	struct digest *ret, struct error *err);

/* The digest that layer_pack would give, without writing anything. */
int layer_digest(
	int dir, const struct layer_options *options, struct digest *ret, struct error *err);

#endif
