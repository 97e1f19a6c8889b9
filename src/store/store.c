/* The store's directory: opening, locks, and the life of what is unfinished.
 *
 * Theory of operation. Whatever is being made stands under tmp/ with a random name and a flock(2)
 * held by the one who makes it. The kernel drops the lock with the last descriptor, so an entry
 * that can be locked belongs to nobody: the next store_open removes it. Between making a name and
 * locking it there is a moment in which a sweep can come first; the maker therefore looks, after
 * locking, whether its name still stands, and takes another one where it does not.
 *
 * Named locks are bytes of one file, at an offset taken from the name's digest (open file
 * description locks, fcntl(2)): nothing to create for each and nothing to clean up. Two names that
 * share an offset, one in 2^62, merely wait for each other.
 *
 * Deliberately absent: trees (tree.c), blobs (blob.c), what refers to what (gc.c). */
#include "store/store.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include "tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { NAME_TRIES = 100 };

static int make_directories(int dir, struct error *err)
{
	/* tmp is last: where it stands, all others do. */
	static const char *const names[] = { "blobs", "blobs/sha256", "trees", "releases",
		"packages", "filters", "apps", "tmp" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mkdirat(dir, names[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, "make %s", names[i]);
	return 0;
}

/* Removes one entry of tmp/ unless its owner lives. Errors are left to the next sweep. */
static void sweep_entry(int tmp, const char *name)
{
	CLEANUP_CLOSE int fd = openat(tmp, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct error ignored;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	(void)file_remove_tree(tmp, name, &ignored); /* tried again by the next one */
}

static int sweep(int dir, struct error *err)
{
	int fd = openat(dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP_CLOSEDIR DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "open tmp");
	while ((entry = readdir(list)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			sweep_entry(fd, entry->d_name);
	return 0;
}

static int open_parts(int dir, struct error *err)
{
	struct stat status;

	if (fstat(dir, &status) < 0)
		return error_errno(err, "look at it");
	if (status.st_uid != geteuid())
		return error_set(err, ERROR_FAILED, "it belongs to user %u, not to %u",
			(unsigned)status.st_uid, (unsigned)geteuid());
	if ((status.st_mode & 0077) && fchmod(dir, 0700) < 0)
		return error_errno(err, "make it private");
	if (faccessat(dir, "tmp", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && make_directories(dir, err) < 0)
		return -1;
	return sweep(dir, err);
}

int store_open(const char *path, struct store *ret, struct error *err)
{
	CLEANUP_CLOSE int dir = file_open_dir(AT_FDCWD, path, 0700, err);
	char *absolute;

	if (dir < 0 || open_parts(dir, err) < 0)
		return error_wrap(err, "store %s", path);
	absolute = realpath(path, NULL);
	if (!absolute)
		return error_errno(err, "store %s", path);
	*ret = (struct store){ .dir = steal_fd(&dir), .path = absolute };
	return 0;
}

void store_done(struct store *store)
{
	if (!store->path)
		return;
	(void)close(store->dir); /* a directory: nothing to lose */
	free(store->path);
	*store = (struct store){ .dir = -1 };
}

int store_error(const struct store *store, struct error *err)
{
	bool full = err->errnum == ENOSPC || err->errnum == EDQUOT;

	error_wrap(err, "store %s", store->path);
	if (full)
		error_hint(err, "free space on its file system, or let isorun gc remove what no "
				"release needs");
	return -1;
}

static off_t lock_offset(const char *kind, const char *name)
{
	CLEANUP_FREE char *text = memory_format("%s-%s", kind, name);
	struct digest digest;
	off_t offset = 0;

	digest_bytes(text, strlen(text), &digest);
	for (int i = 0; i < 15; i++) {
		char digit = digest.hex[i];

		offset = offset << 4 | (digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return offset;
}

int store_lock(const struct store *store, const char *kind, const char *name, struct error *err)
{
	CLEANUP_CLOSE int fd =
		openat(store->dir, "locks", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = lock_offset(kind, name),
		.l_len = 1 };

	if (fd < 0) {
		error_errno(err, "open its locks");
		return store_error(store, err);
	}
	while (fcntl(fd, F_OFD_SETLKW, &lock) < 0) {
		if (errno == EINTR)
			continue;
		error_errno(err, "lock %s %s", kind, name);
		return store_error(store, err);
	}
	return steal_fd(&fd);
}

int tmp_name(char name[80], struct error *err)
{
	unsigned char random[12];
	int used;

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_errno(err, "random name");
	used = snprintf(name, 80, "tmp/");
	for (size_t i = 0; i < sizeof random; i++)
		used += snprintf(name + used, 80 - (size_t)used, "%02x", random[i]);
	return 0;
}

bool tmp_claim(int dir, const char *name, int fd)
{
	struct stat mine;
	struct stat named;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &mine) == 0 &&
	       fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

int store_make_tmp(const struct store *store, char name[80], struct error *err)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		CLEANUP_CLOSE int fd = -1;

		if (tmp_name(name, err) < 0)
			return -1;
		if (mkdirat(store->dir, name, 0700) < 0) {
			error_errno(err, "make %s", name);
			return store_error(store, err);
		}
		fd = openat(store->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && tmp_claim(store->dir, name, fd))
			return steal_fd(&fd);
	}
	error_set(err, ERROR_FAILED, "every directory made in tmp was removed by others");
	return store_error(store, err);
}
