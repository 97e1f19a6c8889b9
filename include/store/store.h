/* The store: $ISORUN_ROOT, everything by digest. Whole or not at all: what is made here is made
 * under tmp/, synced and renamed. Directories are 0700, files 0600.
 *
 *	blobs/sha256/HEX	any OCI blob: layers (plain tar, so digest is diff_id), configs,
 *manifests trees/HEX/		a layer unpacked, by its diff_id releases/HEX.json	what a run
 *needs to know (model/release.h), by release id packages/HEX.deb	Debian packages by SHA-256
 *	filters/HEX.bpf		compiled seccomp filters
 *	apps/APP/DEPLOY/	ledger, key and lock of a deploy (ledger/ledger.h)
 *	tmp/			unfinished; swept when its owner is dead */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct store {
	int dir;    /* the root of the store */
	char *path; /* absolute */
};

/* Opens the store at path, making what is missing and sweeping tmp/ of dead owners. */
int store_open(const char *path, struct store *ret, struct error *err);
void store_done(struct store *store);

/* An exclusive lock named "KIND-NAME", held until the descriptor is closed; waits. Two isoruns that
 * want the same layer do its work once: take the lock, look again, work. */
int store_lock(const struct store *store, const char *kind, const char *name, struct error *err);

/* Blobs. has: whether it is there. put: from memory. open: for reading, *ret_size may be NULL. */
bool store_has_blob(const struct store *store, const struct digest *digest);
int store_put_blob(const struct store *store, const void *data, size_t len, struct digest *ret,
	struct error *err);
int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *ret_size,
	struct error *err);
int store_read_blob(const struct store *store, const struct digest *digest, size_t max,
	struct buf *ret, struct error *err);

/* A blob being written: an unnamed or temporary file, digested as it grows. finish renames it into
 * place only if it has the digest (and size) wanted; wanted may be NULL. discard is fine after
 * either. */
struct store_writer {
	int fd;
	int dir;
	char name[80];
	struct digest_state state;
	uint64_t size;
};
int store_writer_begin(const struct store *store, struct store_writer *ret, struct error *err);
int store_writer_add(struct store_writer *writer, const void *data, size_t len, struct error *err);
int store_writer_finish(const struct store *store, struct store_writer *writer,
	const struct digest *wanted, struct digest *ret, struct error *err);
void store_writer_discard(struct store_writer *writer);

/* A directory under tmp/ that is removed when its owner has died; the caller owns the returned
 * descriptor, name gets its path below the store ("tmp/…"), 80 bytes. */
int store_make_tmp(const struct store *store, char name[80], struct error *err);

#endif
