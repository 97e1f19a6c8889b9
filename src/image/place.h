/* Making things inside a root that packages, archives and codebases have a say in: every path is
 * resolved inside the root (openat2 with RESOLVE_IN_ROOT), whatever symlinks it meets. Paths may
 * start with '/'. Modes are set exactly, the umask does not matter. */
#ifndef IMAGE_PLACE_H
#define IMAGE_PLACE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* open(2) of path resolved inside root; flags as of open(2), CLOEXEC is added. errno is kept. */
int place_open(int root, const char *path, int flags);

/* Opens path below dir for reading; a path that leaves dir is EXDEV. errno is kept. */
int place_open_beneath(int dir, const char *path);

/* Removes path and all below it; absent is fine. Its last component is not followed. */
int place_remove(int root, const char *path, struct error *err);

/* Opens the parent directory of path, making what is missing with mode 0755; *ret_name is the last
 * component, borrowed from path. A path that has none, or ends in "." or "..", is an error. */
int place_parent(int root, const char *path, const char **ret_name, struct error *err);

/* A directory with its parents; an existing one stays as it is. */
int place_dir(int root, const char *path, mode_t mode, struct error *err);

/* A new file open for writing; what was there, unless a directory, is replaced. */
int place_file(int root, const char *path, mode_t mode, struct error *err);

/* A whole new file. */
int place_text(int root, const char *path, const void *data, size_t len, struct error *err);

/* A symlink; what was there, unless a directory, is replaced. */
int place_link(int root, const char *path, const char *target, struct error *err);

#endif
