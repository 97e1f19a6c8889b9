/* Copying files and directories into a root under construction, with plain modes. */
#ifndef IMAGE_COPY_H
#define IMAGE_COPY_H

#include "base/error.h"

/* Copies name of dir, whatever it is, to path target of root; a symlink is copied, not followed. */
int copy_entry(int dir, const char *name, int root, const char *target, struct error *err);

/* Copies what fd, open for reading, stands for: a regular file or a directory. */
int copy_open(int fd, int root, const char *target, struct error *err);

/* Copies a directory's contents, leaving out those entries of it that but lists (NULL: none; ends
 * with a NULL). */
int copy_dir(int fd, const char *const *but, int root, const char *target, struct error *err);

#endif
