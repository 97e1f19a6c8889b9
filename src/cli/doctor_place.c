/* Directories, as doctor sees them: one that does not exist yet is judged by the nearest one above
 * it, in which it would be made. */
#include "doctor_place.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

enum { LITTLE = 1 << 30 }; /* bytes: an image of Debian packages is some hundreds of megabytes */

/* The nearest existing directory at or above path; the caller frees it. */
static char *existing_at(const char *path)
{
	char *at = memory_copy_str(path);
	struct stat status;

	while (strcmp(at, "/") != 0 && strcmp(at, ".") != 0 && stat(at, &status) < 0) {
		char *slash = strrchr(at, '/');

		if (!slash)
			(void)strcpy(at, "."); /* fits: it was not empty */
		else
			slash[slash == at] = '\0';
	}
	return at;
}

void doctor_place_make(const char *store, struct doctor_place *ret)
{
	static const char *const names[] = { "a", "b", "scratch" };
	CLEANUP_FREE char *above = existing_at(store);

	*ret = (struct doctor_place){ .dir = -1,
		.path = memory_format("%s/.isorun-doctor-XXXXXX", above) };
	if (!mkdtemp(ret->path))
		return;
	ret->dir = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < 3; i++) {
		ret->parts[i] = memory_format("%s/%s", ret->path, names[i]);
		if (mkdir(ret->parts[i], 0755) < 0)
			break; /* then the trial says that it is not there */
	}
	ret->feature = (struct feature_place){
		.layers = { ret->parts[0], ret->parts[1] },
		.scratch = ret->parts[2],
	};
}

void doctor_place_remove(struct doctor_place *place)
{
	struct error ignored; /* three empty directories, which only who made them could hold */

	if (place->dir >= 0)
		(void)file_remove_tree(AT_FDCWD, place->path, &ignored);
	cleanup_close(&place->dir);
	for (size_t i = 0; i < 3; i++)
		free(place->parts[i]);
	free(place->path);
	*place = (struct doctor_place){ .dir = -1 };
}

static const char *name_of(const struct statfs *status)
{
	static const struct {
		long magic;
		const char *name;
	} names[] = {
		{ EXT4_SUPER_MAGIC, "ext4" },
		{ 0x58465342, "xfs" },
		{ BTRFS_SUPER_MAGIC, "btrfs" },
		{ TMPFS_MAGIC, "tmpfs" },
		{ OVERLAYFS_SUPER_MAGIC, "overlay" },
		{ NFS_SUPER_MAGIC, "nfs" },
		{ 0x65735546, "fuse" },
		{ 0x2fc12fc1, "zfs" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].magic == status->f_type)
			return names[i].name;
	return "a file system";
}

enum trial_result doctor_place_try_store(
	const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const char *path = context;
	CLEANUP_FREE char *above = existing_at(path);
	CLEANUP_FREE char *tried = memory_format("%s/.isorun-doctor-XXXXXX", above);
	struct statfs status;
	uint64_t bytes;

	if (!mkdtemp(tried) || rmdir(tried) < 0 || statfs(above, &status) < 0) {
		error_errno(err, "%s", above);
		error_hint(err, "set ISORUN_ROOT to a directory that you may write to");
		return TRIAL_FAILED;
	}
	bytes = (uint64_t)status.f_bavail * (uint64_t)status.f_bsize;
	(void)snprintf(found, TRIAL_TEXT, "%.80s: %s, %" PRIu64 ".%" PRIu64 " GiB free", path,
		name_of(&status), bytes >> 30, ((bytes & ((1 << 30) - 1)) * 10) >> 30); /* fits */
	if (bytes >= LITTLE)
		return TRIAL_DONE;
	error_set(err, ERROR_FAILED, "%s: a build with packages needs more", found);
	error_hint(err, "isorun gc frees what no release needs");
	return TRIAL_IN_PART;
}

enum trial_result doctor_place_try_runtime(
	const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const char *path = context;
	CLEANUP_FREE char *above = existing_at(path);
	CLEANUP_FREE char *tried = memory_format("%s/.isorun-doctor-XXXXXX", above);

	if (!mkdtemp(tried) || rmdir(tried) < 0) {
		error_errno(err, "%s", above);
		error_hint(err, "set ISORUN_RUNTIME_DIR to a directory that you may write to");
		return TRIAL_FAILED;
	}
	(void)snprintf(found, TRIAL_TEXT, "%.150s", path); /* cut: for people */
	return TRIAL_DONE;
}
