/* Private to network: who has a port that is taken. */
#ifndef NETWORK_HOLDER_H
#define NETWORK_HOLDER_H

#include "kernel/netlink.h"

#include <stdint.h>

enum { HOLDER_TEXT = 64 };

/* "nginx (process 812) has it", or "" where that cannot be seen. */
void holder_find(const struct netlink_address *address, uint16_t port, char ret[HOLDER_TEXT]);

#endif
