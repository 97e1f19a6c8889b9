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

/* Moves the calling, single-threaded process into a mount namespace of its own in which nothing
 * propagates out. */
int root_enter_private(struct error *err);

/* Builds the tree of layers (absolute directories, bottom first; whiteouts are overlay's) and
 * returns a descriptor from which root_clone makes one mount a launch; -1 on failure. One layer is
 * that directory itself; more are an overlay of idmapped layers. scratch is a directory (it may be
 * on the host) that the private mounts are attached over. The caller closes. */
int root_prepare(const struct strv *layers, const struct root_ids *ids, const char *scratch,
	struct error *err);

/* A detached clone of the prepared tree, nosuid, nodev, and read-only unless writable (which an
 * overlay never is). The caller closes. */
int root_clone(int prepared, bool writable, struct error *err);

#endif
