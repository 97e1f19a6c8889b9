/* Mounts: thin wrappers that add words to errors. What to mount where is decided elsewhere. */
#include "kernel/mount.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPTION_MAX = 256 }; /* of a key or a value: fsconfig(2) */

/* A file system may explain a refusal in messages read from its context, "e tmpfs: Bad value …";
 * else there is what failed (NULL: nothing to add) and errno. */
static int fs_failed(int fs, const char *what, struct error *err)
{
	int errnum = errno;
	char text[200];
	ssize_t len = read(fs, text, sizeof text - 1);

	errno = errnum;
	if (len < 3 && what)
		return error_errno(err, "%s", what);
	text[len < 3 ? 0 : len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	error_set(err, ERROR_FAILED, "%s", len < 3 ? strerror(errnum) : text + 2);
	err->errnum = errnum;
	return -1;
}

static int set_option(int fs, const char *option, struct error *err)
{
	const char *equals = strchr(option, '=');
	size_t len = equals ? (size_t)(equals - option) : strlen(option);
	char key[OPTION_MAX];

	if (len >= sizeof key || strlen(option + len) > OPTION_MAX)
		return error_set(err, ERROR_FAILED, "option %.40s… is too long", option);
	memcpy(key, option, len);
	key[len] = '\0';
	if (equals && fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0) < 0)
		return fs_failed(fs, option, err);
	if (!equals && fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
		return fs_failed(fs, option, err);
	return 0;
}

int mount_new(const char *type, const struct strv *options, uint64_t attributes, struct error *err)
{
	CLEANUP_CLOSE int fs = fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0)
		return error_errno(err, "file system %s", type);
	for (size_t i = 0; options && i < options->len; i++)
		if (set_option(fs, options->items[i], err) < 0)
			return -1;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_failed(fs, NULL, err);
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return mount < 0 ? fs_failed(fs, NULL, err) : mount;
}

int mount_clone(int dir, const char *path, bool recursive, struct error *err)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW |
			 (recursive ? AT_RECURSIVE : 0);
	int mount = open_tree(dir, path, flags);

	return mount < 0 ? error_errno(err, "copy mount") : mount;
}

int mount_attach(int mount, int target, struct error *err)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
		0)
		return error_errno(err, "attach");
	return 0;
}

static int set_attributes(
	int mount, const struct mount_attr *attributes, bool recursive, struct error *err)
{
	struct mount_attr copy = *attributes;

	if (mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &copy,
		    sizeof copy) < 0)
		return error_errno(err, "set attributes");
	return 0;
}

int mount_restrict(int mount, uint64_t attributes, bool recursive, struct error *err)
{
	return set_attributes(
		mount, &(struct mount_attr){ .attr_set = attributes }, recursive, err);
}

int mount_idmap(int mount, int userns, struct error *err)
{
	const struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns,
	};

	if (set_attributes(mount, &attributes, false, err) == 0)
		return 0;
	if (err->errnum != EINVAL)
		return -1;
	error_set(err, ERROR_UNSUPPORTED, "its file system cannot be mounted with shifted ids");
	return error_hint(err, "keep ISORUN_ROOT on ext4, xfs or btrfs");
}

int mount_make_slave(const char *path, struct error *err)
{
	struct mount_attr attributes = { .propagation = MS_SLAVE };

	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) < 0)
		return error_errno(err, "propagation of %s", path);
	return 0;
}

int mount_make_private(int mount, struct error *err)
{
	return set_attributes(mount, &(struct mount_attr){ .propagation = MS_PRIVATE }, true, err);
}

int mount_enter(int root, struct error *err)
{
	/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is
	 * the current directory, so that it can be taken away without a name. */
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, "change root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_errno(err, "leave old root");
	return 0;
}
