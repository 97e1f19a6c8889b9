/* Compiled seccomp filters, kept by the digest of what they were compiled from, so that a warm
 * launch needs no libseccomp. */
#ifndef CONTAINER_FILTERS_H
#define CONTAINER_FILTERS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

/* The filter that lets the groups allow through, from dir ("HEX.bpf"; -1: none is kept) or compiled
 * and, where possible, put there. Appends to ret. */
int filters_load(int dir, const struct strv *allow, struct buf *ret, struct error *err);

#endif
