/* Trees: layers unpacked for use as roots.
 *
 * A tree appears under trees/ whole or not at all: unpack.c fills a directory under tmp/, one
 * syncfs(2) makes everything in it durable (an fsync for each file would cost a hundred times
 * that), a rename puts it in its place.
 *
 * Deliberately absent: putting layers together (kernel/root), whiteouts of images made by others.
 */
#include "store/tree.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_tree(const struct store *store, const char *name)
{
	struct stat status;

	return fstatat(store->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int put_in_place(const struct store *store, int unpacked, const char *tmp, const char *name,
	struct error *err)
{
	CLEANUP_CLOSE int trees = openat(store->dir, "trees", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (trees < 0 || fchmodat(unpacked, "root", 0755, 0) < 0 || syncfs(unpacked) < 0)
		return error_errno(err, "write %s", tmp);
	CLEANUP_FREE char *root = memory_format("%s/root", tmp);

	if (renameat(store->dir, root, store->dir, name) < 0 || fsync(trees) < 0)
		return error_errno(err, "put %s in its place", name);
	return 0;
}

static int unpack_blob(
	const struct store *store, const struct digest *diff_id, int dir, struct error *err)
{
	CLEANUP_CLOSE int blob = store_open_blob(store, diff_id, NULL, err);
	CLEANUP_CLOSE int root = -1;

	if (blob < 0)
		return -1;
	if (mkdirat(dir, "root", 0755) == 0)
		root = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (root < 0) {
		error_errno(err, "make a directory for it");
		return store_error(store, err);
	}
	if (tree_unpack(blob, root, TREE_PLAIN, err) < 0) {
		error_wrap(err, "layer %.*s", DIGEST_SHORT, diff_id->hex);
		return store_error(store, err);
	}
	return 0;
}

static int make_tree(const struct store *store, const struct digest *diff_id, const char *name,
	struct error *err)
{
	struct error ignored;
	char tmp[80];
	CLEANUP_CLOSE int dir = store_make_tmp(store, tmp, err);
	int result;

	if (dir < 0)
		return -1;
	result = unpack_blob(store, diff_id, dir, err);
	if (result == 0) {
		result = put_in_place(store, dir, tmp, name, err);
		if (result < 0)
			(void)store_error(store, err);
	}
	(void)file_remove_tree(store->dir, tmp, &ignored); /* else the next sweep does it */
	return result;
}

int tree_ensure(
	const struct store *store, const struct digest *diff_id, char **ret_path, struct error *err)
{
	CLEANUP_FREE char *name = memory_format("trees/%s", diff_id->hex);
	CLEANUP_CLOSE int lock = -1;

	if (!has_tree(store, name)) {
		lock = store_lock(store, "tree", diff_id->hex, err);
		if (lock < 0)
			return -1;
		/* Another may have made it while we waited. */
		if (!has_tree(store, name) && make_tree(store, diff_id, name, err) < 0)
			return -1;
	}
	*ret_path = memory_format("%s/%s", store->path, name);
	return 0;
}
