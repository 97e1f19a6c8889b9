/* Mounts inside the root, in the order of the spec, on directories that openat2(2) found below the
 * root's descriptor. On /proc, /sys and /dev and below no symlink is followed: an image that makes
 * one of them a link would choose where the kernel's own files appear (CVE-2019-19921).
 *
 * A read-only root cannot be given a missing mount point: that is an error which names it. */
#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/path.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Over "/", which is always there; nothing finds it by that name. */
int mounts_attach_root(struct launch *launch, struct error *err)
{
	CLEANUP_CLOSE int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (slash < 0)
		return error_errno(err, "/");
	/* Without a user namespace of its own the copy of isorun's mounts is still connected. */
	if (mount_make_slave("/", err) < 0)
		return -1;
	if (!launch->spec->root_writable &&
		mount_restrict(launch->root, MOUNT_ATTR_RDONLY, false, err) < 0)
		return -1;
	return mount_attach(launch->root, slash, err);
}

static bool is_system_path(const char *path)
{
	static const char *const names[] = { "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(path, names[i], len) == 0 && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}

static bool is_later_readonly(const struct spec_mount *mount)
{
	return strcmp(mount->type, "tmpfs") == 0 && mount->attributes & MOUNT_ATTR_RDONLY;
}

static int open_target(
	const struct launch *launch, const struct spec_mount *mount, int source, struct error *err)
{
	struct stat status;

	if (source >= 0 && fstat(source, &status) == 0 && !S_ISDIR(status.st_mode))
		return path_make_file(launch->root, mount->target, err);
	return path_make_dir(launch->root, mount->target, is_system_path(mount->target), err);
}

static int make_mount(
	const struct launch *launch, const struct spec_mount *mount, int source, struct error *err)
{
	uint64_t attributes = mount->attributes;
	CLEANUP_CLOSE int target = open_target(launch, mount, source, err);
	CLEANUP_CLOSE int made = -1;

	if (target < 0)
		return -1;
	if (is_later_readonly(mount))
		attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (source >= 0)
		return mount_attach(source, target, err);
	made = mount_new(mount->type, &mount->options, attributes, err);
	return made < 0 ? -1 : mount_attach(made, target, err);
}

static int make_failed(const struct spec_mount *mount, struct error *err)
{
	/* The kernel shows a new proc only to who sees a whole one already. */
	if (strcmp(mount->type, "proc") == 0 && err->errnum == EPERM)
		error_hint(err, "parts of this machine's own /proc are hidden, as in a container");
	return error_wrap(err, "%s on %s", mount->type, mount->target);
}

int mounts_make(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;

	for (size_t i = 0; i < spec->mount_count; i++)
		if (make_mount(launch, &spec->mounts[i], launch->binds[i], err) < 0)
			return make_failed(&spec->mounts[i], err);
	return 0;
}

int mounts_seal(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;

	for (size_t i = 0; i < spec->mount_count; i++) {
		const char *target = spec->mounts[i].target;
		CLEANUP_CLOSE int mount = -1;

		if (!is_later_readonly(&spec->mounts[i]))
			continue;
		mount = path_open(launch->root, target, O_PATH | O_DIRECTORY, 0);
		if (mount < 0)
			return error_errno(err, "%s", target);
		if (mount_restrict(mount, MOUNT_ATTR_RDONLY, false, err) < 0)
			return error_wrap(err, "%s", target);
	}
	return 0;
}

int mounts_enter(struct launch *launch, struct error *err)
{
	return mount_enter(launch->root, err);
}

int mounts_go_to_work(struct launch *launch, struct error *err)
{
	const char *cwd = launch->spec->cwd ? launch->spec->cwd : "/";
	CLEANUP_CLOSE int dir = path_open(launch->root, cwd, O_PATH | O_DIRECTORY, 0);

	if (dir < 0 || fchdir(dir) < 0)
		return error_errno(err, "working directory %s", cwd);
	return 0;
}
