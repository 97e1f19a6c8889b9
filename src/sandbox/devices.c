/* The container's /dev: the host's device nodes bound one by one into a fresh tmpfs. A process in a
 * user namespace cannot make nodes, and nodes made on the host would be the host's to clean up.
 *
 * The null device that hides masked files is isorun's own descriptor from here as well, never a
 * name in the container's /dev (CVE-2025-31133). */
#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/path.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

struct device {
	const char *name; /* in /dev */
	unsigned major, minor;
};

static const struct device devices[DEVICE_COUNT] = {
	[DEVICE_NULL] = { "null", 1, 3 },
	{ "zero", 1, 5 },
	{ "full", 1, 7 },
	{ "random", 1, 8 },
	{ "urandom", 1, 9 },
	{ "tty", 5, 0 },
};

static int open_device(const struct device *device, struct error *err)
{
	CLEANUP_CLOSE int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int fd = openat(dev, device->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, "/dev/%s of the host", device->name);
	if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != device->major ||
		minor(status.st_rdev) != device->minor)
		return error_set(err, ERROR_FAILED, "/dev/%s of the host is not device %u:%u",
			device->name, device->major, device->minor);
	return steal_fd(&fd);
}

int devices_open(struct launch *launch, struct error *err)
{
	const struct spec *spec = launch->spec;
	int count = spec->default_devices ? DEVICE_COUNT : spec->masked.len ? DEVICE_NULL + 1 : 0;

	for (int i = 0; i < count; i++) {
		launch->devices[i] = open_device(&devices[i], err);
		if (launch->devices[i] < 0)
			return -1;
	}
	return 0;
}

int devices_clone(int node, struct error *err)
{
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	CLEANUP_CLOSE int mount = mount_clone(node, "", false, err);

	if (mount < 0 || mount_restrict(mount, attributes, false, err) < 0)
		return -1;
	return steal_fd(&mount);
}

/* Binds source onto name, an empty file made for it. */
static int bind_node(int source, int dev, const char *name, struct error *err)
{
	CLEANUP_CLOSE int mount = devices_clone(source, err);
	CLEANUP_CLOSE int target = -1;

	if (mount < 0)
		return error_wrap(err, "/dev/%s", name);
	target = openat(dev, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (target < 0)
		return error_errno(err, "/dev/%s", name);
	if (mount_attach(mount, target, err) < 0)
		return error_wrap(err, "/dev/%s", name);
	return 0;
}

static int make_links(int dev, struct error *err)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },
		{ "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" },
	};

	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0 && errno != EEXIST)
			return error_errno(err, "/dev/%s", links[i][1]);
	if (faccessat(dev, "pts/ptmx", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		symlinkat("pts/ptmx", dev, "ptmx") < 0 && errno != EEXIST)
		return error_errno(err, "/dev/ptmx");
	return 0;
}

/* The tmpfs that was mounted a moment ago; anything else is refused, because what is made in it
 * would be made in the root, or, through a symlink, anywhere. */
static int open_dev(int root, struct error *err)
{
	CLEANUP_CLOSE int dev = path_open(root, "/dev", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	struct statfs fs;

	if (dev < 0 || fstatfs(dev, &fs) < 0)
		return error_errno(err, "/dev");
	if (fs.f_type != TMPFS_MAGIC)
		return error_set(err, ERROR_FAILED, "no tmpfs is mounted on /dev");
	return steal_fd(&dev);
}

int devices_make(struct launch *launch, struct error *err)
{
	CLEANUP_CLOSE int dev = -1;

	if (!launch->spec->default_devices)
		return 0;
	dev = open_dev(launch->root, err);
	if (dev < 0)
		return -1;
	for (int i = 0; i < DEVICE_COUNT; i++)
		if (bind_node(launch->devices[i], dev, devices[i].name, err) < 0)
			return -1;
	return make_links(dev, err);
}

int devices_make_console(struct launch *launch, struct error *err)
{
	CLEANUP_CLOSE int dev = -1;

	if (launch->slave < 0 || !launch->spec->default_devices)
		return 0;
	dev = open_dev(launch->root, err);
	return dev < 0 ? -1 : bind_node(launch->slave, dev, "console", err);
}
