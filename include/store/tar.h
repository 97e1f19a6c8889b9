/* Reading a tar (plain, gzip or zstd; ustar, PAX, GNU) that may be hostile: libarchive parses it in
 * a confined child, this side checks what comes out. Nothing is written anywhere. */
#ifndef STORE_TAR_H
#define STORE_TAR_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum tar_type { TAR_FILE, TAR_DIRECTORY, TAR_SYMLINK, TAR_HARDLINK };

struct tar_entry {
	enum tar_type type;
	uint32_t mode; /* permission bits; set-id bits are never there */
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	uint64_t size;       /* of a file */
	char path[PATH_MAX]; /* relative, no "", "." or ".." in it; "." alone is the top */
	char link[PATH_MAX]; /* a symlink's text; a hard link's target, clean as path is */
};

struct tar {
	int pipe;
	pid_t child;
	uint64_t left;   /* bytes of the current chunk not yet read */
	uint64_t offset; /* of the next of them in the file */
	uint64_t size;   /* of the current file */
	uint64_t budget; /* bytes that files may still add up to */
	uint64_t entries;
	bool inside; /* content of an entry has not ended yet */
};

/* Starts reading fd, from its current offset if it is plain; fd stays the caller's. What the files
 * in it may add up to is bounded by ISORUN_MAX_UNPACKED (16G). */
int tar_open(int fd, struct tar *ret, struct error *err);

/* The next entry, 1; 0 at the end; -1: damaged, truncated, a path that leaves the top, a device, a
 * FIFO, a socket. Content of the entry before that was not read is skipped. ERROR_INTEGRITY. */
int tar_next(struct tar *tar, struct tar_entry *ret, struct error *err);

/* Reads content of the current entry: the number of bytes, which belong at *ret_offset (what is
 * skipped between is zeros); 0 at its end. */
ssize_t tar_read(struct tar *tar, void *data, size_t size, uint64_t *ret_offset, struct error *err);

/* Ends the child. */
void tar_close(struct tar *tar);

#define CLEANUP_TAR __attribute__((cleanup(tar_close)))
#define TAR_NONE    ((struct tar){ .pipe = -1, .child = -1 })

#endif
