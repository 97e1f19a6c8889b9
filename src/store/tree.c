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

static bool has_tree(const struct store *store, const struct digest *diff_id)
{
	CLEANUP_FREE char *name = memory_format("trees/%s", diff_id->hex);
	struct stat status;

	return fstatat(store->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int unpack(struct tree_staging *staging, int fd, struct error *err)
{
	CLEANUP_CLOSE int root = -1;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "read it");
	if (mkdirat(staging->dir, "root", 0755) == 0)
		root = openat(
			staging->dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* The umask; an entry for the top may say something else. */
	if (root < 0 || fchmod(root, 0755) < 0)
		return error_errno(err, "make a directory for it");
	return tree_unpack(fd, root, TREE_PLAIN, err);
}

int tree_stage(const struct store *store, int fd, const struct digest *diff_id,
	struct tree_staging *ret, struct error *err)
{
	struct tree_staging staging = { .store = store, .diff_id = *diff_id, .dir = -1 };

	if (!has_tree(store, diff_id)) {
		staging.dir = store_make_tmp(store, staging.tmp, err);
		if (staging.dir < 0)
			return -1;
		if (unpack(&staging, fd, err) < 0) {
			tree_discard(&staging);
			error_wrap(err, "layer %.*s", DIGEST_SHORT, diff_id->hex);
			return err->kind == ERROR_FAILED ? store_error(store, err) : -1;
		}
	}
	*ret = staging;
	return 0;
}

static int put_in_place(struct tree_staging *staging, struct error *err)
{
	int store = staging->store->dir;
	CLEANUP_CLOSE int trees = openat(store, "trees", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE char *from = memory_format("%s/root", staging->tmp);
	CLEANUP_FREE char *to = memory_format("trees/%s", staging->diff_id.hex);

	if (trees < 0 || syncfs(staging->dir) < 0)
		return error_errno(err, "write %s", to);
	if (renameat(store, from, store, to) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return error_errno(err, "put %s in its place", to);
	return fsync(trees) < 0 ? error_errno(err, "write %s", to) : 0;
}

int tree_publish(struct tree_staging *staging, struct error *err)
{
	if (!staging->tmp[0])
		return 0;
	if (put_in_place(staging, err) < 0)
		return store_error(staging->store, err);
	tree_discard(staging);
	return 0;
}

void tree_discard(struct tree_staging *staging)
{
	struct error ignored;

	if (staging->tmp[0])
		(void)file_remove_tree(
			staging->store->dir, staging->tmp, &ignored); /* else the next sweep */
	if (staging->dir >= 0)
		(void)close(staging->dir); /* a directory */
	staging->tmp[0] = '\0';
	staging->dir = -1;
}

static int make_tree(const struct store *store, const struct digest *diff_id, struct error *err)
{
	CLEANUP_CLOSE int blob = store_open_blob(store, diff_id, NULL, err);
	struct tree_staging staging;
	int result;

	if (blob < 0 || tree_stage(store, blob, diff_id, &staging, err) < 0)
		return -1;
	result = tree_publish(&staging, err);
	tree_discard(&staging);
	return result;
}

int tree_ensure(
	const struct store *store, const struct digest *diff_id, char **ret_path, struct error *err)
{
	CLEANUP_CLOSE int lock = -1;

	/* First, so that gc does not remove it between our look and its use. */
	if (store_use(store, "use", diff_id->hex, err) < 0)
		return -1;
	if (!has_tree(store, diff_id)) {
		lock = store_lock(store, "tree", diff_id->hex, err);
		if (lock < 0)
			return -1;
		/* Another may have made it while we waited; stage looks again. */
		if (make_tree(store, diff_id, err) < 0)
			return -1;
	}
	*ret_path = memory_format("%s/trees/%s", store->path, diff_id->hex);
	return 0;
}
