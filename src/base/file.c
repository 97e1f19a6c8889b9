/* Files: the loops around read(2) and write(2), and the one way a file is put in its place.
 *
 * Deliberately absent: anything about paths inside a hostile root (kernel/path does that). */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, DEEPEST = 32 };

int file_read_all(int fd, size_t max, struct buf *ret, struct error *err)
{
	size_t total = 0;

	for (;;) {
		ssize_t got;

		buf_reserve(ret, CHUNK);
		got = read(fd, ret->data + ret->len, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "read");
		if (got == 0)
			return 0;
		ret->len += (size_t)got;
		ret->data[ret->len] = '\0';
		total += (size_t)got;
		if (total > max)
			return error_set(err, ERROR_FAILED, "larger than %zu bytes", max);
	}
}

int file_read_at(int dir, const char *name, size_t max, struct buf *ret, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO that somebody left in a file's place must not hang. */
	CLEANUP_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return error_errno(err, "%s", name);
	if (fstat(fd, &status) < 0)
		return error_errno(err, "%s", name);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_FAILED, "%s: not a regular file", name);
	if (status.st_size > 0 && (size_t)status.st_size > max)
		return error_set(err, ERROR_FAILED, "%s: larger than %zu bytes", name, max);
	if (file_read_all(fd, max, ret, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

int file_write_all(int fd, const void *data, size_t len, struct error *err)
{
	const char *at = data;

	while (len > 0) {
		ssize_t put = write(fd, at, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_errno(err, "write");
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

static int write_synced(
	int dir, const char *name, mode_t mode, const void *data, size_t len, struct error *err)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "create");
	if (file_write_all(fd, data, len, err) < 0)
		return -1;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return error_errno(err, "write");
	return 0;
}

/* Makes a rename last: syncs the directory that holds name. dir itself may be O_PATH. */
static int sync_parent(int dir, const char *name, struct error *err)
{
	CLEANUP_FREE char *parent = memory_copy_str(name);
	char *slash = strrchr(parent, '/');
	CLEANUP_CLOSE int fd = -1;

	if (slash)
		slash[slash == parent] = '\0';
	fd = openat(dir, slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_errno(err, "%s", name);
	return 0;
}

int file_write_at(
	int dir, const char *name, mode_t mode, const void *data, size_t len, struct error *err)
{
	/* The pid keeps two isoruns apart; what a killed one left is replaced by its next namesake.
	 */
	CLEANUP_FREE char *temporary = memory_format("%s.new-%d", name, (int)getpid());

	(void)unlinkat(dir, temporary, 0); /* usually absent */
	if (write_synced(dir, temporary, mode, data, len, err) < 0) {
		(void)unlinkat(dir, temporary, 0); /* the first error is the one to tell */
		return error_wrap(err, "%s", name);
	}
	if (renameat(dir, temporary, dir, name) < 0) {
		error_errno(err, "%s", name);
		(void)unlinkat(dir, temporary, 0); /* as above */
		return -1;
	}
	return sync_parent(dir, name, err);
}

int file_set_at(int dir, const char *name, const char *text, struct error *err)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return error_errno(err, "%s", name);
	if (write(fd, text, len) != (ssize_t)len)
		return error_errno(err, "write %s to %s", text, name);
	return 0;
}

int file_open_dir(int dir, const char *path, mode_t mode, struct error *err)
{
	CLEANUP_FREE char *copy = memory_copy_str(path);
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) /* as it nearly always is */
		return fd;
	for (char *slash = copy; *slash; slash++) {
		if (*slash != '/' || slash == copy)
			continue;
		*slash = '\0';
		if (mkdirat(dir, copy, mode) < 0 && errno != EEXIST)
			return error_errno(err, "make directory %s", copy);
		*slash = '/';
	}
	if (mkdirat(dir, copy, mode) < 0 && errno != EEXIST)
		return error_errno(err, "make directory %s", path);
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open directory %s", path) : fd;
}

/* A tree being removed. Every level holds two descriptors, so what lies too deep is first moved up
 * into the tree's top, which is then gone through once more. */
struct removal {
	int top; /* -1 until it is open */
	unsigned moved;
};

static int remove_children(struct removal *removal, int dir, int depth, struct error *err);

static int move_up(struct removal *removal, int parent, const char *name, struct error *err)
{
	char free_name[32];

	do {
		(void)snprintf(free_name, sizeof free_name, "deep-%u", removal->moved++); /* fits */
		if (renameat2(parent, name, removal->top, free_name, RENAME_NOREPLACE) == 0)
			return 0;
	} while (errno == EEXIST);
	return error_errno(err, "move %s", name);
}

/* One entry of a directory: a file goes, a directory goes after its children. */
static int remove_entry(
	struct removal *removal, int parent, const char *name, int depth, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(err, "remove %s", name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "remove %s", name);
	if (depth == DEEPEST)
		return move_up(removal, parent, name, err);
	if (depth == 0)
		removal->top = fd;
	while (unlinkat(parent, name, AT_REMOVEDIR) < 0) {
		if (errno == EBUSY)
			return error_set(
				err, ERROR_FAILED, "remove %s: something is mounted on it", name);
		if (errno != ENOTEMPTY && errno != EEXIST)
			return error_errno(err, "remove %s", name);
		if (remove_children(removal, fd, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int remove_children(struct removal *removal, int dir, int depth, struct error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "list directory");
	while ((entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (remove_entry(removal, dir, entry->d_name, depth, err) < 0)
			return -1;
	}
	return 0;
}

int file_remove_tree(int dir, const char *name, struct error *err)
{
	struct removal removal = { .top = -1 };

	return remove_entry(&removal, dir, name, 0, err);
}
