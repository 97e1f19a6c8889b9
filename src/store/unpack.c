/* Unpacking into a directory: the one place where names from an archive become files.
 *
 * Theory of operation. The directory is private to us (under tmp/, 0700), so nobody races; the
 * danger is in the archive itself, which may first make a symlink and then write through it. So a
 * parent directory is only ever reached by openat2(2) with RESOLVE_BENEATH, NO_SYMLINKS,
 * NO_MAGICLINKS and NO_XDEV from the top, and the last component is made by a call that never
 * follows a link (O_EXCL, mkdirat, symlinkat, linkat without AT_SYMLINK_FOLLOW). Paths come from
 * tar.c, relative and free of "..", and the kernel checks that a second time.
 *
 * Directories take their owner, mode and time at the end, in reverse order, so that a read-only one
 * can be filled and filling does not change its time.
 *
 * Deliberately absent: devices, extended attributes, set-id bits; see reader.c. */
#include "store/tree.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "store/tar.h"

#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 18 };

/* A directory whose metadata is set at the end. */
struct later {
	char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

struct unpack {
	int top;
	enum tree_flags flags;
	bool root;         /* may set owners */
	int parent;        /* the directory of the last entry, kept open for its siblings */
	char *parent_path; /* NULL: none */
	struct later *later;
	size_t later_count;
	char *chunk;
};

static void unpack_done(struct unpack *unpack)
{
	if (unpack->parent >= 0)
		(void)close(unpack->parent); /* a directory */
	for (size_t i = 0; i < unpack->later_count; i++)
		free(unpack->later[i].path);
	free(unpack->later);
	free(unpack->parent_path);
	free(unpack->chunk);
}

static int make_parents(struct unpack *unpack, const char *path, struct error *err);

/* Opens the directory path, made 0755 with its parents where it is absent. */
static int open_directory(struct unpack *unpack, const char *path, struct error *err)
{
	int fd = beneath_open(unpack->top, path, O_PATH | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT) {
		if (make_parents(unpack, path, err) < 0)
			return -1;
		fd = beneath_open(unpack->top, path, O_PATH | O_DIRECTORY);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return error_set(err, ERROR_INTEGRITY, "%.100s is not a directory", path);
	return fd < 0 ? error_errno(err, "open directory %.100s", path) : fd;
}

/* mkdir -p of path, one component after the other, each reached without following a link. */
static int make_parents(struct unpack *unpack, const char *path, struct error *err)
{
	CLEANUP_FREE char *copy = memory_copy_str(path);
	CLEANUP_CLOSE int at = beneath_open(unpack->top, ".", O_PATH | O_DIRECTORY);

	for (char *part = copy, *slash; at >= 0 && part; part = slash ? slash + 1 : NULL) {
		int next;

		slash = strchr(part, '/');
		if (slash)
			*slash = '\0';
		/* chmod, for the umask; the directory is our own. */
		if (mkdirat(at, part, 0755) == 0 ? fchmodat(at, part, 0755, 0) < 0
						 : errno != EEXIST)
			return error_errno(err, "make directory %.100s", path);
		next = beneath_open(at, part, O_PATH | O_DIRECTORY);
		(void)close(at); /* O_PATH */
		at = next;
	}
	if (at < 0 && (errno == ELOOP || errno == ENOTDIR))
		return error_set(err, ERROR_INTEGRITY, "%.100s is not a directory", path);
	return at < 0 ? error_errno(err, "open directory %.100s", path) : 0;
}

/* The parent directory of path and its last component, borrowed from path. */
static int enter_parent(
	struct unpack *unpack, const char *path, const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *parent =
		slash ? strndup(path, (size_t)(slash - path)) : memory_copy_str(".");
	int fd;

	*ret_name = slash ? slash + 1 : path;
	if (unpack->parent_path && parent && strcmp(parent, unpack->parent_path) == 0)
		return unpack->parent;
	fd = open_directory(unpack, parent, err);
	if (fd < 0)
		return -1;
	if (unpack->parent >= 0)
		(void)close(unpack->parent); /* O_PATH */
	free(unpack->parent_path);
	unpack->parent = fd;
	unpack->parent_path = STEAL(parent);
	return fd;
}

static struct timespec mtime_of(const struct tar_entry *entry)
{
	return (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns };
}

/* Makes room for something that is not a directory: removes what is there, unless that is one. */
static int clear_place(int parent, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "look for it");
	if (S_ISDIR(status.st_mode))
		return error_set(err, ERROR_INTEGRITY, "a directory stands in its place");
	return unlinkat(parent, name, 0) < 0 ? error_errno(err, "replace it") : 0;
}

static int fill_file(struct unpack *unpack, struct tar *tar, const struct tar_entry *entry, int fd,
	struct error *err)
{
	uint64_t offset;
	ssize_t got;

	while ((got = tar_read(tar, unpack->chunk, CHUNK, &offset, err)) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t put = pwrite(fd, unpack->chunk + done, (size_t)(got - done),
				(off_t)offset + done);

			if (put < 0 && errno == EINTR)
				continue;
			if (put < 0)
				return error_errno(err, "write");
			done += put;
		}
	}
	if (got < 0)
		return -1;
	/* A sparse file may end in a hole. */
	return ftruncate(fd, (off_t)entry->size) < 0 ? error_errno(err, "write") : 0;
}

static int make_file(struct unpack *unpack, struct tar *tar, const struct tar_entry *entry,
	int parent, const char *name, struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime_of(entry) };
	CLEANUP_CLOSE int fd = -1;

	if (clear_place(parent, name, err) < 0)
		return -1;
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "create");
	if (fill_file(unpack, tar, entry, fd, err) < 0)
		return -1;
	if ((unpack->root && fchown(fd, entry->uid, entry->gid) < 0) ||
		fchmod(fd, entry->mode) < 0 || futimens(fd, times) < 0)
		return error_errno(err, "set owner, mode and time");
	return 0;
}

static int make_symlink(struct unpack *unpack, const struct tar_entry *entry, int parent,
	const char *name, struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime_of(entry) };

	if (clear_place(parent, name, err) < 0)
		return -1;
	if (symlinkat(entry->link, parent, name) < 0)
		return error_errno(err, "make a symlink");
	if ((unpack->root &&
		    fchownat(parent, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0) ||
		utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "set owner and time");
	return 0;
}

static int make_hardlink(struct unpack *unpack, const struct tar_entry *entry, int parent,
	const char *name, struct error *err)
{
	CLEANUP_CLOSE int target = beneath_open(unpack->top, entry->link, O_PATH);
	CLEANUP_FREE char *path = memory_format("/proc/self/fd/%d", target);
	struct stat status;
	struct stat there;

	if (target < 0 || fstat(target, &status) < 0 || !S_ISREG(status.st_mode))
		return error_set(err, ERROR_INTEGRITY,
			"a hard link to %.100s, which is not a file in the archive", entry->link);
	if (fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		there.st_ino == status.st_ino)
		return 0; /* to itself, or the same link twice */
	if (clear_place(parent, name, err) < 0)
		return -1;
	if (linkat(target, "", parent, name, AT_EMPTY_PATH) == 0 ||
		linkat(AT_FDCWD, path, parent, name, AT_SYMLINK_FOLLOW) == 0) /* no privilege */
		return 0;
	return error_errno(err, "make a hard link");
}

static int make_directory(struct unpack *unpack, const struct tar_entry *entry, int parent,
	const char *name, struct error *err)
{
	struct stat status;

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "make directory");
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "look at it");
	if (!S_ISDIR(status.st_mode))
		return error_set(err, ERROR_INTEGRITY,
			"something that is not a directory stands in its place");
	unpack->later =
		memory_resize(unpack->later, unpack->later_count + 1, sizeof *unpack->later);
	unpack->later[unpack->later_count++] = (struct later){ .path = memory_copy_str(entry->path),
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.mtime = mtime_of(entry) };
	return 0;
}

static int finish_directories(struct unpack *unpack, struct error *err)
{
	for (size_t i = unpack->later_count; i > 0; i--) {
		const struct later *later = &unpack->later[i - 1];
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, later->mtime };
		CLEANUP_CLOSE int fd =
			beneath_open(unpack->top, later->path, O_RDONLY | O_DIRECTORY);

		if (fd < 0 || (unpack->root && fchown(fd, later->uid, later->gid) < 0) ||
			fchmod(fd, later->mode) < 0 || futimens(fd, times) < 0)
			return error_errno(err, "set owner, mode and time of %.100s", later->path);
	}
	return 0;
}

/* "bin/x" to "usr/bin/x", as a root with merged /usr has it. */
static void merge_usr(char path[PATH_MAX])
{
	static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
	size_t first = strcspn(path, "/");
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) != first || strncmp(path, names[i], first) != 0)
			continue;
		if (len + 5 > PATH_MAX)
			return; /* stays as it is, and fails where it meets the symlink */
		memmove(path + 4, path, len + 1);
		memcpy(path, "usr/", 4);
		return;
	}
}

static int make_entry(
	struct unpack *unpack, struct tar *tar, struct tar_entry *entry, struct error *err)
{
	const char *name;
	int parent;

	if (unpack->flags & TREE_MERGE_USR) {
		/* A symlink "bin" is the merged /usr itself (base-files of Debian 13 has it). */
		if (entry->type != TAR_SYMLINK || strchr(entry->path, '/'))
			merge_usr(entry->path);
		if (entry->type == TAR_HARDLINK)
			merge_usr(entry->link);
	}
	if (strcmp(entry->path, ".") == 0 && entry->type != TAR_DIRECTORY)
		return error_set(err, ERROR_INTEGRITY, "the top must be a directory");
	parent = enter_parent(unpack, entry->path, &name, err);
	if (parent < 0)
		return -1;
	switch (entry->type) {
	case TAR_FILE:
		return make_file(unpack, tar, entry, parent, name, err);
	case TAR_DIRECTORY:
		return make_directory(unpack, entry, parent, name, err);
	case TAR_SYMLINK:
		return make_symlink(unpack, entry, parent, name, err);
	case TAR_HARDLINK:
		return make_hardlink(unpack, entry, parent, name, err);
	}
	return -1;
}

static int unpack_all(struct unpack *unpack, struct tar *tar, struct error *err)
{
	CLEANUP_FREE struct tar_entry *entry = memory_new(1, sizeof *entry);
	int more;

	while ((more = tar_next(tar, entry, err)) > 0)
		if (make_entry(unpack, tar, entry, err) < 0)
			return error_wrap(err, "entry %.200s", entry->path);
	if (more < 0)
		return -1;
	return finish_directories(unpack, err);
}

int tree_unpack(int tar, int dir, enum tree_flags flags, struct error *err)
{
	struct unpack unpack = { .top = dir, .flags = flags, .root = geteuid() == 0, .parent = -1 };
	CLEANUP_TAR struct tar reader = TAR_NONE;
	int result;

	if (tar_open(tar, &reader, err) < 0)
		return -1;
	unpack.chunk = memory_new(CHUNK, 1);
	result = unpack_all(&unpack, &reader, err);
	unpack_done(&unpack);
	return result;
}
