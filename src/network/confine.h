/* Private to network: what its processes give up before they touch a byte of a stranger. Each is
 * forked, not executed. */
#ifndef NETWORK_CONFINE_H
#define NETWORK_CONFINE_H

#include "base/error.h"

#include <stdint.h>

/* Ignores the signals that are meant for a whole process group or unit: how long such a process is
 * needed, its parent knows. */
void confine_signals(void);

/* Raises the limit of descriptors as far as it goes. */
void confine_files(void);

/* Enters mount, IPC and UTS namespaces of its own, with an empty root. */
int confine_root(struct error *err);

/* Leaves these capabilities, no way to get others, and no parent to survive; root becomes a user
 * that nobody is, another user stays who it is. The last step. */
int confine_rights(uint64_t capabilities, struct error *err);

#endif
