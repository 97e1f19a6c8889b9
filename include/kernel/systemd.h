/* systemd as the owner of the cgroup tree: the one door to libsystemd, which is loaded only where
 * systemd runs. https://systemd.io/CGROUP_DELEGATION */
#ifndef KERNEL_SYSTEMD_H
#define KERNEL_SYSTEMD_H

#include "base/error.h"

#include <stdbool.h>

/* Whether systemd is this host's service manager (sd_booted(3)). One access(2). */
bool systemd_runs(void);

/* Whether systemd has handed the cgroup of the open directory dir to its unit (Delegate=yes); path
 * is where it is below the cgroup2 mount. A unit of the calling user's manager costs a question. */
bool systemd_has_delegated(int dir, const char *path);

/* Moves the calling process into a new transient scope named after name, with Delegate=yes, which
 * systemd forgets when its last process is gone. Root asks the system's manager, others their own.
 * Returns when it is there; ERROR_UNSUPPORTED where no bus or no manager answers, for a user with a
 * hint. */
int systemd_start_scope(const char *name, struct error *err);

#endif
