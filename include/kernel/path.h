/* Paths inside a root that its owner may have filled with anything: openat2(2) keeps every step
 * below the root, and magic links (/proc/PID/fd) are refused. May be called between clone and
 * exec: no heap. */
#ifndef KERNEL_PATH_H
#define KERNEL_PATH_H

#include "base/error.h"

#include <stdint.h>

/* open(2) of path as if root were "/". flags as of open(2), O_CLOEXEC is added; resolve are
 * further RESOLVE_* bits. Returns -1 with errno set. */
int path_open(int root, const char *path, int flags, uint64_t resolve);

/* An O_PATH descriptor of the directory path, which must not be reached through a symlink if
 * strict; missing ones are made with mode 0755 where the file system lets us. Errors say "the root
 * has no directory PATH" or "PATH is not a directory". */
int path_make_dir(int root, const char *path, int strict, struct error *err);

/* The same for a file; a missing one is made empty. */
int path_make_file(int root, const char *path, struct error *err);

#endif
