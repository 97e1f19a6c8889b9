/* Host ids: every deploy has a range of its own, so that a process which got out of one container
 * owns nothing of another deploy's, nor of any user of the host. */
#ifndef SUPERVISOR_IDS_H
#define SUPERVISOR_IDS_H

#include "base/error.h"
#include "model/spec.h"
#include "store/store.h"

#include <stdint.h>

enum {
	IDS_FIRST = 0x70000000, /* of build commands, of all codebases */
	IDS_COUNT = SPEC_IDS,   /* in a range */
	IDS_END = 0x7ffd0000,   /* behind the last range */
};

/* The first id of the deploy's range: given out once, remembered in apps/APP/DEPLOY/ids, never
 * given to another deploy while that stands. */
int ids_get(const struct store *store, const char *app, const char *deploy, uint32_t *ret,
	struct error *err);

#endif
