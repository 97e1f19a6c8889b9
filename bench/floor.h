/* What the kernel alone charges for one isolated process: the yardstick of bench/launch. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>

struct floor_row {
	const char *name;
	unsigned long long namespaces; /* CLONE_NEW* */
	unsigned steps;                /* FLOOR_* */
};

enum {
	FLOOR_ROOT = 1,    /* a private, read-only root */
	FLOOR_MOUNTS = 2,  /* proc, dev with its devices, tmp */
	FLOOR_NETWORK = 4, /* a veth pair, addresses, a route */
	FLOOR_CONFINE = 8, /* no_new_privs and a filter of one instruction */
	FLOOR_USER = 16,   /* a user namespace with maps; run, dev/shm and masks in /proc */
	FLOOR_INIT = 32,   /* a pid 1 above the process */
};

extern const struct floor_row floor_rows[];
extern const size_t floor_row_count;

/* Starts argv in a copy of root and waits for it; returns the microseconds that took. Ends the
 * program with a message when anything fails. */
double floor_once(const struct floor_row *row, const char *root, char *const *argv);

/* Microseconds of the monotonic clock. */
double floor_now(void);

#endif
