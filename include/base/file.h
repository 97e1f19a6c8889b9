/* Whole files and exact reads and writes on descriptors; EINTR and short transfers are handled
 * here and nowhere else. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

/* Reads fd to its end into ret, which is appended to. More than max bytes is an error. */
int file_read_all(int fd, size_t max, struct buf *ret, struct error *err);

/* Opens name under the directory dir (AT_FDCWD for the current one) without following a symlink in
 * its last component, and reads it whole. It must be a regular file of at most max bytes. */
int file_read_at(int dir, const char *name, size_t max, struct buf *ret, struct error *err);

/* Writes all len bytes to fd. */
int file_write_all(int fd, const void *data, size_t len, struct error *err);

/* Writes name under dir whole or not at all, durably: a temporary name, fsync, rename, fsync of
 * the directory. An existing file is replaced. mode as of open(2), the umask not applied. */
int file_write_at(
	int dir, const char *name, mode_t mode, const void *data, size_t len, struct error *err);

/* Like file_write_at for small kernel files (cgroup, proc): one write(2), no rename, no fsync. */
int file_set_at(int dir, const char *name, const char *text, struct error *err);

/* mkdir -p below dir with mode for what is made; returns a CLOEXEC descriptor of the directory, or
 * -1. Symlinks in the way are followed: only for isorun's own, trusted paths. */
int file_open_dir(int dir, const char *path, mode_t mode, struct error *err);

/* Removes name under dir and everything below it, not following symlinks and not crossing into
 * other file systems. Absent is success. */
int file_remove_tree(int dir, const char *name, struct error *err);

#endif
