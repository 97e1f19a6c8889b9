/* Verifying a tree: the blob against its digest, then the tree against the blob. The paths of the
 * blob, with the directories that they imply, must be exactly those of the tree, and each must be
 * what its entry says. Times are left out: they say nothing about what runs.
 *
 * Deliberately absent: repair. A tree that differs is removed by hand or by gc, and made again. */
#include "store/tree.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strv.h"
#include "store/tar.h"

#include "beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 18 };

struct verify {
	int top;
	bool root;          /* owners were set */
	struct strv paths;  /* that the blob speaks of */
	char *here, *there; /* chunks to compare */
};

/* Whether what the archive left out is zeros. */
static bool is_hole(struct verify *verify, int fd, uint64_t from, uint64_t to)
{
	memset(verify->there, 0, CHUNK);
	while (from < to) {
		size_t len = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

		if (pread(fd, verify->here, len, (off_t)from) != (ssize_t)len ||
			memcmp(verify->here, verify->there, len) != 0)
			return false;
		from += len;
	}
	return true;
}

/* 1: the same, 0: not, -1: the archive could not be read. */
static int compare_content(
	struct verify *verify, struct tar *tar, const struct tar_entry *entry, struct error *err)
{
	CLEANUP_CLOSE int fd = beneath_open(verify->top, entry->path, O_RDONLY);
	uint64_t end = 0;
	uint64_t offset;
	ssize_t got;

	while ((got = tar_read(tar, verify->there, CHUNK, &offset, err)) > 0) {
		if (pread(fd, verify->here, (size_t)got, (off_t)offset) != got ||
			memcmp(verify->here, verify->there, (size_t)got) != 0 ||
			!is_hole(verify, fd, end, offset))
			return 0;
		end = offset + (uint64_t)got;
	}
	return got < 0 ? -1 : is_hole(verify, fd, end, entry->size);
}

static const char *compare_link(
	struct verify *verify, int fd, const struct tar_entry *entry, const struct stat *status)
{
	CLEANUP_CLOSE int target = -1;
	char text[PATH_MAX];
	struct stat other;
	ssize_t len;

	if (entry->type == TAR_HARDLINK) {
		target = beneath_open(verify->top, entry->link, O_PATH);
		return target >= 0 && fstat(target, &other) == 0 && other.st_ino == status->st_ino
			       ? NULL
			       : "it is not the hard link that it was";
	}
	len = readlinkat(fd, "", text, sizeof text);
	return len == (ssize_t)strlen(entry->link) && memcmp(text, entry->link, (size_t)len) == 0
		       ? NULL
		       : "it points elsewhere";
}

static const char *compare_status(
	const struct verify *verify, const struct tar_entry *entry, const struct stat *status)
{
	static const mode_t types[] = { [TAR_FILE] = S_IFREG,
		[TAR_DIRECTORY] = S_IFDIR,
		[TAR_SYMLINK] = S_IFLNK,
		[TAR_HARDLINK] = S_IFREG };

	if ((status->st_mode & S_IFMT) != types[entry->type])
		return "its type differs";
	if (entry->type == TAR_HARDLINK)
		return NULL; /* the rest is the target's */
	if (entry->type != TAR_SYMLINK && (status->st_mode & 07777) != entry->mode)
		return "its mode differs";
	if (verify->root && (status->st_uid != entry->uid || status->st_gid != entry->gid))
		return "its owner differs";
	if (entry->type == TAR_FILE && (uint64_t)status->st_size != entry->size)
		return "its size differs";
	return NULL;
}

static int compare_entry(
	struct verify *verify, struct tar *tar, const struct tar_entry *entry, struct error *err)
{
	CLEANUP_CLOSE int fd = beneath_open(verify->top, entry->path, O_PATH);
	const char *wrong = NULL;
	int same = 1;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		wrong = "it is gone";
	if (!wrong)
		wrong = compare_status(verify, entry, &status);
	if (!wrong && (entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK))
		wrong = compare_link(verify, fd, entry, &status);
	if (!wrong && entry->type == TAR_FILE)
		same = compare_content(verify, tar, entry, err);
	if (same < 0)
		return -1;
	if (!same)
		wrong = "its content differs";
	return wrong ? error_set(err, ERROR_INTEGRITY, "%.200s: %s", entry->path, wrong) : 0;
}

/* Adds path and the directories above it. */
static void add_paths(struct strv *paths, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
		strv_addf(paths, "%.*s", (int)(slash - path), path);
	if (strcmp(path, ".") != 0)
		strv_add(paths, path);
}

static int compare_entries(struct verify *verify, int blob, struct error *err)
{
	CLEANUP_FREE struct tar_entry *entry = memory_new(1, sizeof *entry);
	CLEANUP_TAR struct tar tar = TAR_NONE;
	int more;

	if (tar_open(blob, &tar, err) < 0)
		return -1;
	while ((more = tar_next(&tar, entry, err)) > 0) {
		add_paths(&verify->paths, entry->path);
		if (compare_entry(verify, &tar, entry, err) < 0)
			return -1;
	}
	return more;
}

static int walk(int dir, const char *prefix, struct strv *ret, struct error *err)
{
	CLEANUP_CLOSEDIR DIR *list = fdopendir(dir);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "list %.100s", prefix);
	while ((entry = readdir(list))) {
		CLEANUP_FREE char *path = memory_format("%s%s", prefix, entry->d_name);
		CLEANUP_FREE char *below = memory_format("%s/", path);
		int fd;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		strv_add(ret, path);
		fd = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd < 0)
			return error_errno(err, "list %.100s", path);
		if (walk(fd, below, ret, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether the tree holds nothing that the blob does not speak of; the reverse is known by now. */
static int compare_paths(struct verify *verify, struct error *err)
{
	CLEANUP_STRV struct strv found = { 0 };
	int top = openat(verify->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t at = 0;

	if (top < 0)
		return error_errno(err, "open the tree");
	if (walk(top, "", &found, err) < 0)
		return -1;
	strv_sort(&found);
	strv_sort(&verify->paths);
	for (size_t i = 0; i < found.len; i++) {
		while (at < verify->paths.len &&
			strcmp(verify->paths.items[at], found.items[i]) < 0)
			at++;
		if (at == verify->paths.len || strcmp(verify->paths.items[at], found.items[i]) != 0)
			return error_set(err, ERROR_INTEGRITY, "%.200s: it does not belong there",
				found.items[i]);
	}
	return 0;
}

static int verify_tree(int tree, int blob, struct error *err)
{
	struct verify verify = { .top = tree, .root = geteuid() == 0 };
	int result;

	verify.here = memory_new(CHUNK, 1);
	verify.there = memory_new(CHUNK, 1);
	result = compare_entries(&verify, blob, err);
	if (result == 0)
		result = compare_paths(&verify, err);
	strv_done(&verify.paths);
	free(verify.here);
	free(verify.there);
	return result;
}

int tree_verify(const struct store *store, const struct digest *diff_id, struct error *err)
{
	CLEANUP_FREE char *name = memory_format("trees/%s", diff_id->hex);
	CLEANUP_CLOSE int blob = store_open_blob(store, diff_id, NULL, err);
	CLEANUP_CLOSE int tree = -1;
	struct digest actual;

	if (blob < 0)
		return -1;
	if (digest_file(blob, &actual, NULL, err) < 0)
		return error_wrap(err, "blob %s", diff_id->hex);
	if (!digest_equal(&actual, diff_id))
		return error_set(err, ERROR_INTEGRITY, "blob %s has the digest %s", diff_id->hex,
			actual.hex);
	tree = openat(store->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (tree < 0 && errno == ENOENT)
		return 0; /* not unpacked yet */
	if (tree < 0 || lseek(blob, 0, SEEK_SET) < 0)
		return error_errno(err, "open %s", name);
	return verify_tree(tree, blob, err) < 0 ? error_wrap(err, "%s", name) : 0;
}
