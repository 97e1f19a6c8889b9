/* Roots: layers from the store as one read-only mount, ids shifted.
 *
 * Theory of operation. An overlay cannot be idmapped, so each layer is cloned, shifted and attached
 * over scratch in the private mount namespace, one on top of the other: being attached is all that
 * overlay asks of them (kernels before 6.15 refuse detached ones), and /proc/self/fd names each
 * although it is covered. The overlay is attached there as well, because only attached mounts can
 * be cloned before 6.15. Nothing is ever taken away again: all of it ends with the namespace, and a
 * detach waits for the kernel where keeping costs a launch two microseconds. */
#include "kernel/root.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernel/mount.h"
#include "kernel/refusal.h"
#include "kernel/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTIONS_MAX = 4095, ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

int root_enter_private(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return refusal_explain_root(errno, err);
	/* Slave, not private: what the host unmounts must not stay busy because of us. */
	return mount_make_slave("/", err);
}

static int attach_over(int mount, const char *scratch, struct error *err)
{
	CLEANUP_CLOSE int target = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (target < 0)
		return error_errno(err, "%s", scratch);
	return mount_attach(mount, target, err);
}

/* Clones a layer, shifts its ids (userns -1: not) and attaches it. */
static int prepare_layer(const char *path, int userns, const char *scratch, struct error *err)
{
	CLEANUP_CLOSE int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int mount = -1;

	if (dir < 0)
		return error_errno(err, "layer %s", path);
	mount = mount_clone(dir, "", false, err);
	if (mount < 0 || mount_make_private(mount, err) < 0 ||
		(userns >= 0 && mount_idmap(mount, userns, err) < 0) ||
		mount_restrict(mount, ATTRIBUTES, false, err) < 0 ||
		attach_over(mount, scratch, err) < 0)
		return error_wrap(err, "layer %s", path);
	return steal_fd(&mount);
}

/* mount(2), not fsconfig(2), whose values end at 256 bytes. The target is covered at once. */
static int mount_overlay(const int *layers, size_t count, const char *scratch, struct error *err)
{
	CLEANUP_BUF struct buf options = { 0 };
	int fd;

	buf_add_str(&options, "lowerdir=");
	for (size_t i = count; i-- > 0;)
		buf_addf(&options, "/proc/self/fd/%d%s", layers[i], i ? ":" : "");
	if (options.len > OPTIONS_MAX)
		return error_set(err, ERROR_UNSUPPORTED, "%zu layers are too many", count);
	if (mount("overlay", scratch, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options.data) <
		0)
		return error_errno(err, "overlay of %zu layers", count);
	fd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "%s", scratch) : fd;
}

static int write_etc(int etc, const struct root_etc *file, uint32_t owner, struct error *err)
{
	CLEANUP_CLOSE int fd =
		openat(etc, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0 || fchown(fd, owner, owner) < 0)
		return error_errno(err, "/etc/%s", file->name);
	return file_write_all(fd, file->text, strlen(file->text), err);
}

/* The run's own files as a layer on top of all others: so they need no mount point, whatever the
 * image has or lacks in their place. ids->count 0: they belong to who makes them. */
static int prepare_etc(const struct root_plan *plan, struct error *err)
{
	const uint32_t owner = plan->ids.count ? plan->ids.base : UINT32_MAX;
	CLEANUP_CLOSE int mount = mount_new("tmpfs", NULL, ATTRIBUTES, err);
	CLEANUP_CLOSE int etc = -1;

	if (mount < 0 || attach_over(mount, plan->scratch, err) < 0)
		return -1;
	if (fchmodat(mount, ".", 0755, 0) < 0 || fchownat(mount, ".", owner, owner, 0) < 0 ||
		mkdirat(mount, "etc", 0755) < 0 || fchmodat(mount, "etc", 0755, 0) < 0 ||
		fchownat(mount, "etc", owner, owner, 0) < 0)
		return error_errno(err, "/etc");
	etc = openat(mount, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (etc < 0)
		return error_errno(err, "/etc");
	for (size_t i = 0; i < plan->etc_count; i++)
		if (plan->etc[i].text && write_etc(etc, &plan->etc[i], owner, err) < 0)
			return -1;
	return steal_fd(&mount);
}

static bool has_etc(const struct root_plan *plan)
{
	for (size_t i = 0; i < plan->etc_count; i++)
		if (plan->etc[i].text)
			return true;
	return false;
}

/* Fills mounts, which has room for one more than there are layers, and makes one tree of them. */
static int prepare_layers(
	const struct root_plan *plan, int userns, int *mounts, size_t *count, struct error *err)
{
	for (; *count < plan->layers->len; (*count)++) {
		mounts[*count] =
			prepare_layer(plan->layers->items[*count], userns, plan->scratch, err);
		if (mounts[*count] < 0)
			return -1;
	}
	if (has_etc(plan)) {
		mounts[*count] = prepare_etc(plan, err);
		if (mounts[(*count)++] < 0)
			return -1;
	}
	if (*count == 1)
		return fcntl(mounts[0], F_DUPFD_CLOEXEC, 3);
	return mount_overlay(mounts, *count, plan->scratch, err);
}

int root_prepare(const struct root_plan *plan, struct error *err)
{
	CLEANUP_CLOSE int userns = -1;
	CLEANUP_FREE int *mounts = memory_new(plan->layers->len + 1, sizeof *mounts);
	size_t count = 0;
	int root;

	if (plan->layers->len == 0)
		return error_set(err, ERROR_FAILED, "a root needs at least one layer");
	if (plan->ids.count) {
		userns = userns_open(plan->ids.base, plan->ids.count, err);
		if (userns < 0)
			return -1;
	}
	root = prepare_layers(plan, userns, mounts, &count, err);
	for (size_t i = 0; i < count; i++)
		cleanup_close(&mounts[i]);
	return root;
}

int root_clone(int prepared, bool writable, struct error *err)
{
	CLEANUP_CLOSE int mount = mount_clone(prepared, "", false, err);

	if (mount < 0)
		return error_wrap(err, "root");
	if (!writable && mount_restrict(mount, MOUNT_ATTR_RDONLY, false, err) < 0)
		return error_wrap(err, "root");
	return steal_fd(&mount);
}
