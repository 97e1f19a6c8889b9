/* Placing files in a root under construction. The kernel resolves every path with the root as "/",
 * so that a package's symlink to /etc means the root's /etc and nothing on the host can be named.
 *
 * Deliberately absent: unpacking archives, whose rules are stricter (store/tree). */
#include "place.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int place_open(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
}

int place_open_beneath(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* Opens the directory whose name is the first len bytes of path, making it below its parent. */
static int open_or_make(int root, int parent, const char *path, size_t len, struct error *err)
{
	CLEANUP_FREE char *prefix = memory_format("%.*s", (int)len, path);
	const char *slash = strrchr(prefix, '/');
	const char *name = slash ? slash + 1 : prefix;
	int fd = place_open(root, prefix, O_PATH | O_DIRECTORY);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? error_errno(err, "%s", prefix) : fd;
	if (mkdirat(parent, name, 0755) < 0 || fchmodat(parent, name, 0755, 0) < 0)
		return error_errno(err, "make directory %s", prefix);
	fd = place_open(root, prefix, O_PATH | O_DIRECTORY);
	return fd < 0 ? error_errno(err, "%s", prefix) : fd;
}

int place_parent(int root, const char *path, const char **ret_name, struct error *err)
{
	CLEANUP_CLOSE int parent = place_open(root, ".", O_PATH | O_DIRECTORY);
	const char *name = path + strspn(path, "/");
	const char *slash;

	if (parent < 0)
		return error_errno(err, "%s", path);
	for (; (slash = strchr(name, '/')); name = slash + strspn(slash, "/")) {
		int next = open_or_make(root, parent, path, (size_t)(slash - path), err);

		if (next < 0)
			return -1;
		cleanup_close(&parent);
		parent = next;
	}
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, ERROR_FAILED, "\"%s\" does not name a file", path);
	*ret_name = name;
	return steal_fd(&parent);
}

int place_dir(int root, const char *path, mode_t mode, struct error *err)
{
	CLEANUP_CLOSE int existing = place_open(root, path, O_PATH | O_DIRECTORY);
	CLEANUP_CLOSE int parent = -1;
	const char *name;

	if (existing >= 0)
		return 0;
	parent = place_parent(root, path, &name, err);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, mode) < 0 || fchmodat(parent, name, mode, 0) < 0)
		return error_errno(err, "make directory %s", path);
	return 0;
}

int place_file(int root, const char *path, mode_t mode, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;
	const char *name;
	CLEANUP_CLOSE int parent = place_parent(root, path, &name, err);

	if (parent < 0)
		return -1;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return error_errno(err, "replace %s", path);
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return error_errno(err, "create %s", path);
	return steal_fd(&fd);
}

int place_text(int root, const char *path, const void *data, size_t len, struct error *err)
{
	CLEANUP_CLOSE int fd = place_file(root, path, 0644, err);

	if (fd < 0)
		return -1;
	if (file_write_all(fd, data, len, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int place_link(int root, const char *path, const char *target, struct error *err)
{
	const char *name;
	CLEANUP_CLOSE int parent = place_parent(root, path, &name, err);

	if (parent < 0)
		return -1;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return error_errno(err, "replace %s", path);
	if (symlinkat(target, parent, name) < 0)
		return error_errno(err, "link %s", path);
	return 0;
}

int place_remove(int root, const char *path, struct error *err)
{
	const char *name;
	CLEANUP_CLOSE int parent = place_parent(root, path, &name, err);

	return parent < 0 ? -1 : file_remove_tree(parent, name, err);
}
