/* /etc/ld.so.cache, as ldconfig(8) writes it. */
#ifndef IMAGE_LDCACHE_H
#define IMAGE_LDCACHE_H

#include "base/error.h"
#include "root.h"

/* Writes the cache of a root with glibc's loader; without one does nothing. */
int ldcache_make(const struct root *root, struct error *err);

/* glibc's order of names in the cache: numbers within them compare as numbers. */
int ldcache_compare(const char *a, const char *b);

#endif
