/* Unpacked layers. A tree is complete once it stands under trees/: it is unpacked under tmp/ by a
 * confined child, synced and renamed. */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/store.h"

/* Makes sure that the layer blob diff_id (a plain tar in the store) is unpacked; ret_path gets the
 * tree's absolute path, which the caller frees. Concurrent calls do the work once. */
int tree_ensure(const struct store *store, const struct digest *diff_id, char **ret_path,
	struct error *err);

/* Compares the tree with its blob: every entry's type, mode, size, content. ERROR_INTEGRITY names
 * the first path that differs. */
int tree_verify(const struct store *store, const struct digest *diff_id, struct error *err);

/* Unpacks a tar stream into the directory dir, hardened as SECURITY's "Archives" says; the same
 * code serves import, build's base and packages. Ownership is set only as root. */
int tree_unpack(int tar, int dir, struct error *err);

#endif
