/* User namespaces: user_namespaces(7). Maps are written by the parent, which holds the privilege.
 */
#ifndef KERNEL_USERNS_H
#define KERNEL_USERNS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether this process may hand ranges of host ids to others: root of the initial user namespace.
 * Everybody else, a container's root too, has but the ids that it runs as. */
bool userns_owns_ids(void);

/* Moves the calling, single-threaded process into a user namespace that maps its own user and group
 * to themselves and nothing else, and with it into mount and, if network, network namespaces that
 * it rules; nothing propagates out of the former. Its other groups stay with it, and nobody within
 * can ever drop or change groups. A refusal is explained (kernel/refusal.h). */
int userns_enter_own(bool network, struct error *err);

/* Writes the maps of a child that has a fresh user namespace. The texts are lines of "INSIDE
 * OUTSIDE COUNT"; an empty one is not written. */
int userns_write_maps(pid_t pid, const char *uid_map, const char *gid_map, struct error *err);

/* Maps one user and one group of a fresh user namespace to themselves, and puts groups out of
 * reach, without which the kernel lets no ordinary user map one. pid 0 is the calling process. */
int userns_map_own(pid_t pid, uid_t uid, gid_t gid, struct error *err);

/* A descriptor of a new user namespace that maps count ids from 0 inside to base outside; no
 * process lives in it: it serves idmapped mounts. The caller closes. */
int userns_open(uint32_t base, uint32_t count, struct error *err);

#endif
