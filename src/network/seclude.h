/* Private to network: what its processes give up before they touch a byte of a stranger. Each is
 * forked, not executed. */
#ifndef NETWORK_SECLUDE_H
#define NETWORK_SECLUDE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Makes /dev/null the standard streams, where they are closed: nothing that a library might print
 * may end in somebody's connection. */
void seclude_streams(void);

/* Leaves these count descriptors, at most 8, and the streams above. */
int seclude_descriptors(const int *needed, size_t count, struct error *err);

/* Ignores the signals that are meant for a whole process group or unit: how long such a process is
 * needed, its parent knows. */
void seclude_signals(void);

/* Raises the limit of descriptors as far as it goes. */
void seclude_files(void);

/* Enters mount, IPC and UTS namespaces of its own, with an empty root. */
int seclude_root(struct error *err);

/* Leaves these capabilities, no way to get others, and no parent to survive; root becomes a user
 * that nobody is, another user stays who it is. The last step. */
int seclude_rights(uint64_t capabilities, struct error *err);

/* Lets this process connect to these TCP ports only, bind none, and reach neither abstract sockets
 * nor other processes: as much of it as the kernel knows (Landlock, from Linux 6.7 and 6.12). After
 * seclude_rights. */
int seclude_ports(const uint16_t *ports, size_t count, struct error *err);

#endif
