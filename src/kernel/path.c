/* Paths in a hostile root. openat2(2) with RESOLVE_IN_ROOT resolves symlinks and ".." inside the
 * root; what is made is made one component at a time in a directory that is already open. */
#include "kernel/path.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 128 };

int path_open(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	/* EAGAIN: something was renamed or mounted somewhere while ".." was looked up. */
	for (int i = 0; i < TRIES; i++) {
		int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);

		if (fd >= 0 || errno != EAGAIN)
			return fd;
	}
	return -1;
}

static int not_a_directory(const char *path, struct error *err)
{
	return error_set(err, ERROR_FAILED, "in the root, %s is not a directory", path);
}

static int missing(const char *path, const char *what, struct error *err)
{
	return error_set(err, ERROR_FAILED, "the root has no %s %s", what, path);
}

/* Opens the directory that path is in, making it, and points *ret_name at the last component. */
static int open_parent(int root, const char *path, const char **ret_name, struct error *err)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof parent)
		return error_set(err, ERROR_FAILED, "%.80s…: too long", path);
	memcpy(parent, path, len);
	parent[len] = '\0';
	*ret_name = slash ? slash + 1 : path;
	return path_make_dir(root, len ? parent : "/", 0, err);
}

static int make_failed(const char *path, const char *what, struct error *err)
{
	if (errno == EROFS || errno == EACCES || errno == EPERM || errno == ENOENT)
		return missing(path, what, err);
	return error_errno(err, "make %s", path);
}

int path_make_dir(int root, const char *path, int strict, struct error *err)
{
	const uint64_t resolve = strict ? RESOLVE_NO_SYMLINKS : 0;
	const char *name;
	CLEANUP_CLOSE int parent = -1;
	int fd = path_open(root, path, O_PATH | O_DIRECTORY, resolve);

	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		return not_a_directory(path, err);
	if (errno != ENOENT)
		return error_errno(err, "%s", path);
	parent = open_parent(root, path, &name, err);
	if (parent < 0)
		return -1;
	/* EEXIST: a symlink that leads nowhere, or somebody was quicker; the next open tells. */
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return make_failed(path, "directory", err);
	fd = path_open(root, path, O_PATH | O_DIRECTORY, resolve);
	return fd < 0 ? not_a_directory(path, err) : fd;
}

int path_make_file(int root, const char *path, struct error *err)
{
	const char *name;
	CLEANUP_CLOSE int parent = -1;
	CLEANUP_CLOSE int made = -1;
	int fd = path_open(root, path, O_PATH, 0);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return error_errno(err, "%s", path);
	parent = open_parent(root, path, &name, err);
	if (parent < 0)
		return -1;
	made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0)
		return make_failed(path, "file", err);
	fd = path_open(root, path, O_PATH, 0);
	return fd < 0 ? error_errno(err, "%s", path) : fd;
}
