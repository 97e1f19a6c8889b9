/* The store: $ISORUN_ROOT, everything by digest. Whole or not at all: what is made here is made
 * under tmp/, synced and renamed. Directories are 0700, files 0600.
 *
 *	blobs/sha256/HEX   any OCI blob: layers (plain tar, so digest is diff_id), configs,
 *manifests trees/HEX/         a layer unpacked, by its diff_id releases/HEX.json  what a run needs
 *to know (model/release.h), by release id packages/HEX.deb   Debian packages by SHA-256
 *	filters/HEX.bpf    compiled seccomp filters
 *	starts/HEX.json    what a codebase was when isorun start last built it (image/recall)
 *	apps/APP/DEPLOY/   ledger and key of a deploy (ledger/ledger.h)
 *	locks              one file; every lock is a byte of it
 *	version            "1": this directory is a store, and whole
 *	tmp/               unfinished; swept when its owner is dead */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct store {
	int dir;    /* the root of the store */
	int locks;  /* holds what store_use has taken */
	char *path; /* absolute */
};

/* Opens the store at path, making it where there is nothing yet, and sweeps tmp/ of dead owners. A
 * directory that holds something else is refused. */
int store_open(const char *path, struct store *ret, struct error *err);
void store_done(struct store *store);

/* An exclusive lock named "KIND-NAME", held until the descriptor is closed; waits. Two isoruns that
 * want the same layer do its work once: take the lock, look again, work. */
int store_lock(const struct store *store, const char *kind, const char *name, struct error *err);

/* The same, shared with others that share it. */
int store_lock_shared(
	const struct store *store, const char *kind, const char *name, struct error *err);

/* store_lock without waiting: ERROR_LOCKED where somebody has it. */
int store_try_lock(
	const struct store *store, const char *kind, const char *name, struct error *err);

/* Shares the lock until store_done or the process's end: what a run stands on stays. */
int store_use(const struct store *store, const char *kind, const char *name, struct error *err);

/* Wraps an error that happened while writing to the store: the text names the store's path, and
 * where its disk is full the hint says what to do. Returns -1. */
int store_error(const struct store *store, struct error *err);

/* Blobs. has: whether it is there. put: from memory. open: for reading, *ret_size may be NULL;
 * an absent one is ERROR_INTEGRITY, for it is only asked for where something refers to it. read
 * also checks the digest. */
bool store_has_blob(const struct store *store, const struct digest *digest);
int store_put_blob(const struct store *store, const void *data, size_t len, struct digest *ret,
	struct error *err);
int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *ret_size,
	struct error *err);
int store_read_blob(const struct store *store, const struct digest *digest, size_t max,
	struct buf *ret, struct error *err);

/* A blob being written: a file under tmp/, digested as it grows. finish renames it into place only
 * if it has the digest wanted; wanted may be NULL. keep does the same checks but leaves it under
 * tmp/ until store_writer_publish or discard, so that several can appear together. discard is fine
 * after any of them. */
struct store_writer {
	const struct store *store;
	int fd;        /* -1: none */
	char name[80]; /* "tmp/…"; empty: nothing to remove */
	struct digest_state state;
	struct digest digest; /* after keep or finish */
	uint64_t size;
};
int store_writer_begin(const struct store *store, struct store_writer *ret, struct error *err);

/* A writer that only digests, for content that the store has already. */
void store_writer_begin_check(const struct store *store, struct store_writer *ret);
int store_writer_add(struct store_writer *writer, const void *data, size_t len, struct error *err);
int store_writer_keep(struct store_writer *writer, const struct digest *wanted, struct error *err);
int store_writer_publish(struct store_writer *writer, struct error *err);
int store_writer_finish(struct store_writer *writer, const struct digest *wanted,
	struct digest *ret, struct error *err);
void store_writer_discard(struct store_writer *writer);

/* A directory (0700) under tmp/ that is removed when its owner has died: as long as the returned
 * descriptor, which holds its lock, is open. name gets its path below the store ("tmp/…"). */
int store_make_tmp(const struct store *store, char name[80], struct error *err);

#endif
