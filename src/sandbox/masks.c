/* Paths that the process must not read, or not write, on file systems that it needs otherwise.
 * Absent ones are fine: kernels differ in what they offer. */
#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/path.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* 1: *ret is open on path; 0: there is no such path. */
static int find(const struct launch *launch, const char *path, int *ret, struct error *err)
{
	*ret = path_open(launch->root, path, O_PATH, 0);
	if (*ret >= 0)
		return 1;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_errno(err, "%s", path);
}

static int make_empty(struct error *err)
{
	char *items[] = { (char[]){ "size=4096" }, (char[]){ "nr_inodes=2" },
		(char[]){ "mode=555" } };
	const struct strv options = { items, sizeof items / sizeof *items };

	return mount_new("tmpfs", &options,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
}

/* A file disappears behind the null device; a directory behind an empty one, which is *empty, made
 * for the first and copied for the others. */
static int hide(const struct launch *launch, int target, int *empty, struct error *err)
{
	CLEANUP_CLOSE int copy = -1;
	struct stat status;

	if (fstat(target, &status) < 0)
		return error_errno(err, "stat");
	if (S_ISDIR(status.st_mode) && *empty < 0) {
		*empty = make_empty(err);
		return *empty < 0 ? -1 : mount_attach(*empty, target, err);
	}
	copy = S_ISDIR(status.st_mode) ? mount_clone(*empty, "", false, err)
				       : devices_clone(launch->devices[DEVICE_NULL], err);
	return copy < 0 ? -1 : mount_attach(copy, target, err);
}

int masks_hide(struct launch *launch, struct error *err)
{
	const struct strv *masked = &launch->spec->masked;
	CLEANUP_CLOSE int empty = -1;

	for (size_t i = 0; i < masked->len; i++) {
		CLEANUP_CLOSE int target = -1;
		int found = find(launch, masked->items[i], &target, err);

		if (found < 0)
			return -1;
		if (found && hide(launch, target, &empty, err) < 0)
			return error_wrap(err, "%s", masked->items[i]);
	}
	return 0;
}

static int freeze(int target, struct error *err)
{
	CLEANUP_CLOSE int copy = mount_clone(target, "", true, err);

	if (copy < 0 || mount_restrict(copy, MOUNT_ATTR_RDONLY, true, err) < 0)
		return -1;
	return mount_attach(copy, target, err);
}

int masks_freeze(struct launch *launch, struct error *err)
{
	const struct strv *readonly = &launch->spec->readonly;

	for (size_t i = 0; i < readonly->len; i++) {
		CLEANUP_CLOSE int target = -1;
		int found = find(launch, readonly->items[i], &target, err);

		if (found < 0)
			return -1;
		if (found && freeze(target, err) < 0)
			return error_wrap(err, "%s", readonly->items[i]);
	}
	return 0;
}
