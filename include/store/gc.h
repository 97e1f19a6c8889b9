/* Collecting garbage: what nobody keeps and nobody uses goes. What is kept is the caller's to say:
 * the store does not know what refers to what. */
#ifndef STORE_GC_H
#define STORE_GC_H

#include "base/error.h"
#include "base/strv.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Called for each blob, tree and release before it goes. */
typedef void gc_on_item(void *context, const char *name, uint64_t bytes);

struct gc_request {
	const struct strv *keep; /* digests, sorted */
	int64_t before;          /* seconds since 1970: what changed later stays */
	bool dry_run;
	gc_on_item *on_item;
	void *context;
};

/* Whoever makes something refer to what is in the store shares this lock from its first look until
 * the reference stands; the descriptor is the caller's to close. gc_run takes it alone, and waits.
 */
int gc_hold_off(const struct store *store, struct error *err);

/* Removes, or with dry_run only names, what is not kept, is old enough and is not in use. */
int gc_run(const struct store *store, const struct gc_request *request, struct error *err);

/* The lock of gc_run for its caller to gather in: keep must be gathered under it. */
int gc_begin(const struct store *store, struct error *err);

#endif
