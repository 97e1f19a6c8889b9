/* The floor's veth pair: made by the parent, set up by parent and child. Failure ends the program.
 */
#ifndef BENCH_FLOOR_NETWORK_H
#define BENCH_FLOOR_NETWORK_H

#include <sys/types.h>

/* Makes the pair, one end in peer's network namespace, and brings up the other. */
void floor_network_outside(pid_t peer);

/* Brings up lo and the end in this namespace, with address and default route. */
void floor_network_inside(void);

/* Waits until the kernel has removed the pair of a dead namespace: no part of a launch. */
void floor_network_wait(void);

#endif
