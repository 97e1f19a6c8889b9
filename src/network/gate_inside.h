/* Private to network: the side of the gates that lies in an instance's namespace. */
#ifndef NETWORK_GATE_INSIDE_H
#define NETWORK_GATE_INSIDE_H

#include "network/gates.h"

#include <stdbool.h>

/* One listening socket. */
struct gate_listener {
	int fd;
	uint16_t service;
};

/* Makes what leads to the gates in the namespace; *ret has room for two of each service. The caller
 * closes the sockets, after a failure too. */
int gate_inside(const struct gates_config *config, int namespace_fd, struct gate_listener *ret,
	size_t *ret_count, struct error *err);

#endif
