/* The files of one deploy's ledger: ledger, head, key. */
#ifndef LEDGER_FILES_H
#define LEDGER_FILES_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { FILES_KEY = 32 };

/* Opens apps/APP/DEPLOY below dir; make: also makes it. 1, or 0 where it is absent. */
int files_open_dir(
	int dir, const char *app, const char *deploy, bool make, int *ret, struct error *err);

/* Reads the ledger's whole lines, cutting off a torn last one; absent is empty. */
int files_read(int deploy_dir, struct buf *ret, struct error *err);

/* The head: 1, or 0 where there is none yet. */
int files_read_head(int deploy_dir, struct digest *ret, struct error *err);
int files_write_head(int deploy_dir, const struct digest *head, struct error *err);

/* The key, made where it is absent. The ledger must be locked. */
int files_key(int deploy_dir, unsigned char ret[FILES_KEY], struct error *err);

/* Opens the ledger, made where it is absent, and locks it until the descriptor is closed. */
int files_open_locked(int deploy_dir, struct error *err);

/* Puts text behind the first size bytes of the locked ledger, whole or not at all. */
int files_append(int ledger, uint64_t size, const struct buf *text, bool sync, struct error *err);

#endif
