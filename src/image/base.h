/* dependencies.base: a root to start from. */
#ifndef IMAGE_BASE_H
#define IMAGE_BASE_H

#include "base/error.h"
#include "store/store.h"

/* Unpacks the archive open as fd, an OCI image layout or the tar of a root, into root. name is for
 * errors. */
int base_unpack(const struct store *store, int fd, const char *name, int root, struct error *err);

#endif
