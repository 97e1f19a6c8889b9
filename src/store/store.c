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

#define VERSION "1\n"
enum { NAME_TRIES = 100, VERSION_MAX = 16, TMP_DIGITS = 24 };

static const char *const parts[] = { "blobs", "blobs/sha256", "trees", "releases", "packages",
	"filters", "apps", "tmp" };

enum { PARTS = sizeof parts / sizeof *parts };

static bool is_part(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(parts[i], name) == 0)
			return true;
	/* What file_write_at makes of the version, and a file system of its own. */
	return strcmp(name, "locks") == 0 || strncmp(name, "version", 7) == 0 ||
	       strcmp(name, "lost+found") == 0;
}

/* A directory with anything else in it is not ours to change, and tmp in it not ours to sweep:
 * think of ISORUN_ROOT=/. */
static int check_empty(int dir, struct error *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "list it");
	while ((entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			is_part(entry->d_name))
			continue;
		error_set(err, ERROR_USAGE, "it is a directory of something else: it has %.60s",
			entry->d_name);
		return error_hint(err, "set ISORUN_ROOT to a directory of its own");
	}
	return 0;
}

/* The version comes last: where it stands, all else does. */
static int make_store(int dir, struct error *err)
{
	if (check_empty(dir, err) < 0)
		return -1;
	if (fchmod(dir, 0700) < 0)
		return error_errno(err, "make it private");
	for (size_t i = 0; i < PARTS; i++)
		if (mkdirat(dir, parts[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, "make %s", parts[i]);
	return file_write_at(dir, "version", 0600, VERSION, sizeof VERSION - 1, err);
}

static int check_version(int dir, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (faccessat(dir, "version", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? make_store(dir, err) : error_errno(err, "version");
	if (file_read_at(dir, "version", VERSION_MAX, &text, err) < 0)
		return -1;
	if (text.len == sizeof VERSION - 1 && memcmp(text.data, VERSION, text.len) == 0)
		return 0;
	return error_set(err, ERROR_UNSUPPORTED, "a store of version %.*s; this isorun knows 1",
		(int)strcspn(text.data ? text.data : "", "\n"), text.data ? text.data : "");
}

/* tmp/ and 24 digits, as tmp_name makes them. */
static bool is_tmp(const char *name)
{
	return strlen(name) == TMP_DIGITS && strspn(name, "0123456789abcdef") == TMP_DIGITS;
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
		if (is_tmp(entry->d_name))
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
	if (check_version(dir, err) < 0)
		return -1;
	return sweep(dir, err);
}

static int open_locks(int dir)
{
	return openat(dir, "locks", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int store_open(const char *path, struct store *ret, struct error *err)
{
	CLEANUP_CLOSE int dir = file_open_dir(AT_FDCWD, path, 0700, err);
	CLEANUP_CLOSE int locks = -1;
	char *absolute;

	if (dir < 0 || open_parts(dir, err) < 0)
		return error_wrap(err, "store %s", path);
	locks = open_locks(dir);
	absolute = locks < 0 ? NULL : realpath(path, NULL);
	if (!absolute)
		return error_errno(err, "store %s", path);
	*ret = (struct store){ .dir = steal_fd(&dir), .locks = steal_fd(&locks), .path = absolute };
	return 0;
}

void store_done(struct store *store)
{
	if (!store->path)
		return;
	(void)close(store->dir);   /* a directory: nothing to lose */
	(void)close(store->locks); /* that is what lets go of what was used */
	free(store->path);
	*store = (struct store){ .dir = -1, .locks = -1 };
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

/* fcntl's command on the byte of a name; waits where the command does. 0, or -1 with errno. */
static int lock_byte(int fd, int command, short type, const char *kind, const char *name)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = lock_offset(kind, name), .l_len = 1
	};
	int result;

	do
		result = fcntl(fd, command, &lock);
	while (result < 0 && errno == EINTR);
	return result;
}

static int take_lock(const struct store *store, int command, short type, const char *kind,
	const char *name, struct error *err)
{
	CLEANUP_CLOSE int fd = open_locks(store->dir);

	if (fd >= 0 && lock_byte(fd, command, type, kind, name) == 0)
		return steal_fd(&fd);
	error_errno(err, "lock %s %s", kind, name);
	if (err->errnum == EAGAIN || err->errnum == EACCES)
		err->kind = ERROR_LOCKED;
	return store_error(store, err);
}

int store_lock(const struct store *store, const char *kind, const char *name, struct error *err)
{
	return take_lock(store, F_OFD_SETLKW, F_WRLCK, kind, name, err);
}

int store_lock_shared(
	const struct store *store, const char *kind, const char *name, struct error *err)
{
	return take_lock(store, F_OFD_SETLKW, F_RDLCK, kind, name, err);
}

int store_try_lock(const struct store *store, const char *kind, const char *name, struct error *err)
{
	return take_lock(store, F_OFD_SETLK, F_WRLCK, kind, name, err);
}

int store_use(const struct store *store, const char *kind, const char *name, struct error *err)
{
	if (lock_byte(store->locks, F_OFD_SETLKW, F_RDLCK, kind, name) == 0)
		return 0;
	error_errno(err, "lock %s %s", kind, name);
	return store_error(store, err);
}

int tmp_name(char name[80], struct error *err)
{
	unsigned char random[TMP_DIGITS / 2];
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
