/* Path resolution over two directories that will be one root. The kernel could do it only once
 * they are mounted together, which build, that proves the closure, deliberately does not need.
 *
 * Both trees stand still while they are looked at: they are in the store, and isorun's own. */
#include "root.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { SYMLINKS_MAX = 40 }; /* as the kernel's own bound */

struct walk {
	const struct root *root;
	char done[PATH_MAX];     /* resolved so far, without symlinks: "" or "/a/b" */
	char left[2 * PATH_MAX]; /* still to be resolved */
	unsigned symlinks;
	struct stat status; /* of done */
};

static int dir_of(const struct root *root, const char *canonical)
{
	bool in_app =
		strncmp(canonical, "/app", 4) == 0 && (canonical[4] == '/' || canonical[4] == '\0');

	return in_app ? root->app : root->dependencies;
}

static const char *below(const char *canonical)
{
	return canonical[0] && canonical[1] ? canonical + 1 : ".";
}

/* Puts a symlink's target in front of what is left; done goes back to where it starts. */
static int follow(struct walk *walk, const char *link, size_t parent)
{
	char rest[sizeof walk->left];
	char target[PATH_MAX];
	ssize_t len = readlinkat(dir_of(walk->root, link), below(link), target, sizeof target);
	int printed;

	if (len < 0 || (size_t)len >= sizeof target || ++walk->symlinks > SYMLINKS_MAX)
		return 0;
	target[len] = '\0';
	walk->done[target[0] == '/' ? 0 : parent] = '\0';
	memcpy(rest, walk->left, sizeof rest);
	printed = snprintf(walk->left, sizeof walk->left, "%s/%s", target, rest);
	return printed > 0 && (size_t)printed < sizeof walk->left;
}

/* Goes one component on: 1, or 0 where that is not possible. */
static int step(struct walk *walk, const char *name)
{
	size_t parent = strlen(walk->done);
	char next[PATH_MAX];
	char *slash = strrchr(walk->done, '/');
	int printed;

	if (strcmp(name, "..") == 0) {
		if (slash)
			*slash = '\0';
		return 1;
	}
	printed = snprintf(next, sizeof next, "%s/%s", walk->done, name);
	if (printed < 0 || (size_t)printed >= sizeof next)
		return 0;
	if (fstatat(dir_of(walk->root, next), below(next), &walk->status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISLNK(walk->status.st_mode))
		return follow(walk, next, parent);
	memcpy(walk->done, next, sizeof next);
	return 1;
}

int root_find(const struct root *root, const char *path, char canonical[PATH_MAX],
	struct stat *ret_status, struct error *err)
{
	struct walk walk = { .root = root };
	char name[NAME_MAX + 1];

	if (strlen(path) >= PATH_MAX)
		return 0;
	(void)snprintf(walk.left, sizeof walk.left, "%s", path); /* measured above */
	while (walk.left[0]) {
		size_t slashes = strspn(walk.left, "/");
		size_t len = strcspn(walk.left + slashes, "/");

		if (len > NAME_MAX)
			return 0;
		memcpy(name, walk.left + slashes, len);
		name[len] = '\0';
		memmove(walk.left, walk.left + slashes + len,
			strlen(walk.left + slashes + len) + 1);
		if (len == 0 || strcmp(name, ".") == 0)
			continue;
		if (!step(&walk, name))
			return 0;
	}
	if (fstatat(dir_of(root, walk.done), below(walk.done), ret_status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, "%s", path);
	(void)snprintf(canonical, PATH_MAX, "%s", walk.done[0] ? walk.done : "/"); /* fits */
	return 1;
}

int root_list_at(int dir, struct strv *ret)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return -1;
	while ((entry = readdir(list)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(ret, entry->d_name);
	strv_sort(ret);
	return 0;
}

int root_list(const struct root *root, const char *path, struct strv *ret, struct error *err)
{
	CLEANUP_CLOSE int dir = -1;
	char canonical[PATH_MAX];
	struct stat status;
	int found = root_find(root, path, canonical, &status, err);

	if (found < 0)
		return -1;
	if (!found || !S_ISDIR(status.st_mode))
		return 0;
	dir = openat(dir_of(root, canonical), below(canonical),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || root_list_at(dir, ret) < 0)
		return error_errno(err, "%s", path);
	return 0;
}

const void *root_map(const struct root *root, const char *canonical, size_t *ret_size)
{
	CLEANUP_CLOSE int fd = openat(dir_of(root, canonical), below(canonical),
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	void *data;

	*ret_size = 0;
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return NULL;
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return NULL;
	*ret_size = (size_t)status.st_size;
	return data;
}

void root_unmap(const void *data, size_t size)
{
	if (data)
		(void)munmap((void *)data, size); /* cannot fail for what mmap returned */
}
