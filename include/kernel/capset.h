/* Capabilities: capabilities(7), the one door to libcap. Sets are bit masks. May be called between
 * clone and exec: no heap. */
#ifndef KERNEL_CAPSET_H
#define KERNEL_CAPSET_H

#include "base/error.h"

#include <stdint.h>

struct capset {
	uint64_t permitted, effective, inheritable, ambient;
};

/* Leaves only these in the bounding set; needs CAP_SETPCAP, so before the others go. */
int capset_bound(uint64_t bounding, struct error *err);

/* Sets the calling thread's permitted, effective, inheritable and ambient sets. */
int capset_apply(const struct capset *set, struct error *err);

#endif
