/* Pseudoterminals of a given devpts: pty(7), ioctl_tty(2). No path is looked up for the slave. May
 * be called between clone and exec: no heap. */
#ifndef KERNEL_TERMINAL_H
#define KERNEL_TERMINAL_H

#include "base/error.h"

/* A new pair from the devpts mounted on /dev/pts of root, both CLOEXEC and checked to be what they
 * should (file system, major number). */
int terminal_open(int root, int *ret_master, int *ret_slave, struct error *err);

/* Makes slave the controlling terminal of the calling session leader and its 0, 1 and 2. */
int terminal_adopt(int slave, struct error *err);

#endif
