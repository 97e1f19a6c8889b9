/* The root file system of a container as a mount descriptor: layers from the store, idmapped, in
 * one read-only tree. Mounts are attached only in the caller's private mount namespace and vanish
 * with it: root_enter_private must have been called once before. */
#ifndef KERNEL_ROOT_H
#define KERNEL_ROOT_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* How ids on disk appear outside: disk id 0 + n is host id base + n, for count ids. count 0: as
 * they are. */
struct root_ids {
	uint32_t base;
	uint32_t count;
};

/* A file of /etc that is the run's, not the image's. */
struct root_etc {
	const char *name; /* "hosts" */
	const char *text; /* NULL: the image's own stays */
};

struct root_plan {
	const struct strv *layers; /* absolute directories, bottom first; whiteouts are overlay's */
	struct root_ids ids;
	const struct root_etc *etc;
	size_t etc_count;
	const char *scratch; /* a directory, it may be on the host: private mounts go over it */
};

/* Moves the calling, single-threaded process into a mount namespace of its own in which nothing
 * propagates out. An ordinary user's is in one already (userns_enter_own). */
int root_enter_private(struct error *err);

/* Builds the tree and returns a descriptor from which root_clone makes one mount a launch; -1 on
 * failure. One layer is that directory itself; more are an overlay of idmapped layers. The caller
 * closes. */
int root_prepare(const struct root_plan *plan, struct error *err);

/* A detached clone of the prepared tree, nosuid, nodev, and read-only unless writable (which an
 * overlay never is). The caller closes. */
int root_clone(int prepared, bool writable, struct error *err);

#endif
