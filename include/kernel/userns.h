/* User namespaces: user_namespaces(7). Maps are written by the parent, which holds the privilege.
 */
#ifndef KERNEL_USERNS_H
#define KERNEL_USERNS_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* Writes the maps of a child that has a fresh user namespace. The texts are lines of "INSIDE
 * OUTSIDE COUNT"; an empty one is not written. */
int userns_write_maps(pid_t pid, const char *uid_map, const char *gid_map, struct error *err);

/* A descriptor of a new user namespace that maps count ids from 0 inside to base outside; no
 * process lives in it: it serves idmapped mounts. The caller closes. */
int userns_open(uint32_t base, uint32_t count, struct error *err);

#endif
