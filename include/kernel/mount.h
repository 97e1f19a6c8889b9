/* Mounts on descriptors: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2). A mount is made
 * detached, then attached to a directory descriptor; no path string takes part in between. May be
 * called between clone and exec: no heap. */
#ifndef KERNEL_MOUNT_H
#define KERNEL_MOUNT_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* A detached mount of a new file system of this type, with "key=value" or "flag" options (NULL:
 * none) and MOUNT_ATTR_* attributes. The kernel's own words are in the error. */
int mount_new(const char *type, const struct strv *options, uint64_t attributes, struct error *err);

/* A detached copy of the mount at path below dir, of its submounts too if recursive; an empty path
 * is dir itself. It must be attached in the caller's mount namespace. */
int mount_clone(int dir, const char *path, bool recursive, struct error *err);

/* Attaches a detached mount on what target is open on. */
int mount_attach(int mount, int target, struct error *err);

/* Adds attributes to a mount (to all below it, if recursive). */
int mount_restrict(int mount, uint64_t attributes, bool recursive, struct error *err);

/* Shifts a detached mount's ids as the user namespace maps them. */
int mount_idmap(int mount, int userns, struct error *err);

/* Lets nothing mounted below path propagate out; what others mount still propagates in. */
int mount_make_slave(const char *path, struct error *err);

/* Neither in nor out, for a mount and all below it. */
int mount_make_private(int mount, struct error *err);

/* Makes an attached mount the process's root and its current directory, and takes the old root and
 * everything on it away. */
int mount_enter(int root, struct error *err);

#endif
