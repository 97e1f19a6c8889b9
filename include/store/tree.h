/* Unpacked layers. A tree is complete once it stands under trees/: it is unpacked under tmp/, what
 * parses it confined, synced and renamed. */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/store.h"

/* Makes sure that the layer blob diff_id (a plain tar in the store) is unpacked; ret_path gets the
 * tree's absolute path, which the caller frees; gc leaves it until the store is closed. Concurrent
 * calls do the work once. */
int tree_ensure(const struct store *store, const struct digest *diff_id, char **ret_path,
	struct error *err);

/* A layer unpacked under tmp/, so that several can appear together: stage unpacks the plain tar fd,
 * whose digest the caller has checked, unless the tree is there already; publish puts it in its
 * place; discard is fine after either. Errors name the layer. */
struct tree_staging {
	const struct store *store;
	struct digest diff_id;
	int dir;      /* holds the lock of tmp; -1: none */
	char tmp[80]; /* empty: nothing to remove */
};
int tree_stage(const struct store *store, int fd, const struct digest *diff_id,
	struct tree_staging *ret, struct error *err);
int tree_publish(struct tree_staging *staging, struct error *err);
void tree_discard(struct tree_staging *staging);

/* Compares the tree with its blob, and the blob with its digest: every entry's type, mode, owner,
 * size, content. ERROR_INTEGRITY names the first path that differs. */
int tree_verify(const struct store *store, const struct digest *diff_id, struct error *err);

enum tree_flags {
	TREE_PLAIN = 0,
	TREE_MERGE_USR = 1, /* "bin/x" is put at "usr/bin/x"; likewise sbin, lib, lib32, lib64 */
};

/* Unpacks a tar (plain, gzip or zstd; a file or a pipe) into the directory dir, hardened as
 * SECURITY's "Archives" says; the same code serves import, build's base and packages. Ownership is
 * set only as root. Directories that are not in the archive are made 0755. An entry that is there
 * already: a directory is kept and takes the new mode, a file or link replaces a file or link; a
 * directory in the place of another type, or the reverse, is an error. */
int tree_unpack(int tar, int dir, enum tree_flags flags, struct error *err);

#endif
