/* Copying files of the codebase into a root: contents, symlinks as they are, and of the modes only
 * whether the owner may execute. Directories of the target are made and merged. */
#include "copy.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

static int copy_bytes(int from, int to, off_t size, struct error *err)
{
	while (size > 0) {
		ssize_t put = sendfile(to, from, NULL, (size_t)(size < INT_MAX ? size : INT_MAX));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_errno(err, "copy");
		if (put == 0)
			return error_set(err, ERROR_FAILED, "shrank while it was copied");
		size -= put;
	}
	return 0;
}

static int copy_link(int dir, const char *name, int root, const char *target, struct error *err)
{
	char text[PATH_MAX];
	ssize_t len = readlinkat(dir, name, text, sizeof text);

	if (len < 0 || (size_t)len == sizeof text)
		return error_errno(err, "%s", name);
	text[len] = '\0';
	return place_link(root, target, text, err);
}

static int copy_regular(
	int fd, const struct stat *status, int root, const char *target, struct error *err)
{
	CLEANUP_CLOSE int to =
		place_file(root, target, status->st_mode & S_IXUSR ? 0755 : 0644, err);

	return to < 0 ? -1 : copy_bytes(fd, to, status->st_size, err);
}

int copy_entry(int dir, const char *name, int root, const char *target, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "%s", name);
	if (S_ISLNK(status.st_mode))
		return copy_link(dir, name, root, target, err);
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return error_set(err, ERROR_FAILED, "%s: neither a file nor a directory", name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "%s", name) : copy_open(fd, root, target, err);
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

int copy_dir(int fd, const char *const *but, int root, const char *target, struct error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "%s", target);
	if (place_dir(root, target, 0755, err) < 0)
		return -1;
	while ((entry = readdir(list))) {
		CLEANUP_FREE char *path = memory_format("%s/%s", target, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			is_listed(but, entry->d_name))
			continue;
		if (copy_entry(fd, entry->d_name, root, path, err) < 0)
			return -1;
	}
	return 0;
}

int copy_open(int fd, int root, const char *target, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_errno(err, "%s", target);
	if (S_ISDIR(status.st_mode))
		return copy_dir(fd, NULL, root, target, err);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_FAILED, "neither a file nor a directory");
	return copy_regular(fd, &status, root, target, err);
}
