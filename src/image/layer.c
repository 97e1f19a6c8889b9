/* Writing layers. What differs between two hosts, or between two checkouts, is left out of the
 * headers: owners, names of owners, device and inode numbers, change times, the umask.
 *
 * Deliberately absent: whiteouts (a build's second layer only adds below /app), extended
 * attributes and device nodes. */
#include "layer.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strv.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 18 };

/* A file with several names is written once; the other names become hard links to the first. */
struct twin {
	dev_t device;
	ino_t inode;
	const char *path;
};

struct packing {
	int dir;
	const struct layer_options *options;
	struct store_writer *writer; /* NULL: only the digest is wanted */
	struct digest_state state;
	struct error *err;
	struct archive *archive;
	struct archive_entry *entry;
	struct strv paths;
	struct twin *twins;
	size_t twin_count;
	char *chunk;
};

static int collect(struct packing *packing, int dir, const char *prefix)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return error_errno(packing->err, "/%s", prefix);
	while ((entry = readdir(list))) {
		CLEANUP_FREE char *path = memory_format("%s%s", prefix, entry->d_name);
		CLEANUP_CLOSE int child = -1;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (strlen(path) >= PATH_MAX)
			return error_set(
				packing->err, ERROR_FAILED, "/%.100s…: nested too deep", path);
		child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0 && errno != ENOTDIR && errno != ELOOP)
			return error_errno(packing->err, "/%s", path);
		strv_addf(&packing->paths, "%s%s", path, child < 0 ? "" : "/");
		if (child >= 0 &&
			collect(packing, child, packing->paths.items[packing->paths.len - 1]) < 0)
			return -1;
	}
	return 0;
}

static int complain(struct packing *packing, const char *path)
{
	const char *why = archive_error_string(packing->archive);

	if (packing->err->text[0]) /* the write callback knew more */
		return error_wrap(packing->err, "layer");
	return error_set(packing->err, ERROR_FAILED, "layer: /%s: %s", path,
		why ? why : "cannot be written");
}

static ssize_t write_blob(struct archive *archive, void *context, const void *data, size_t len)
{
	struct packing *packing = context;

	(void)archive;
	if (!packing->writer) {
		digest_add(&packing->state, data, len);
		return (ssize_t)len;
	}
	return store_writer_add(packing->writer, data, len, packing->err) < 0 ? -1 : (ssize_t)len;
}

static const char *find_twin(struct packing *packing, const struct stat *status, const char *path)
{
	for (size_t i = 0; i < packing->twin_count; i++)
		if (packing->twins[i].inode == status->st_ino &&
			packing->twins[i].device == status->st_dev)
			return packing->twins[i].path;
	packing->twins =
		memory_resize(packing->twins, packing->twin_count + 1, sizeof *packing->twins);
	packing->twins[packing->twin_count++] =
		(struct twin){ status->st_dev, status->st_ino, path };
	return NULL;
}

/* set-id bits mean nothing on a nosuid root and must not outlive it elsewhere. */
static mode_t mode_of(const struct packing *packing, const struct stat *status)
{
	bool open = S_ISDIR(status->st_mode) || status->st_mode & S_IXUSR;

	if (packing->options->plain_modes)
		return open ? 0755 : 0644;
	return status->st_mode & (S_ISDIR(status->st_mode) ? 01777 : 0777);
}

static int copy_content(struct packing *packing, const char *path, off_t size)
{
	CLEANUP_CLOSE int fd =
		openat(packing->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(packing->err, "/%s", path);
	while (size > 0) {
		ssize_t got = read(fd, packing->chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || got > size)
			return error_set(
				packing->err, ERROR_FAILED, "/%s changed while it was read", path);
		if (archive_write_data(packing->archive, packing->chunk, (size_t)got) != got)
			return complain(packing, path);
		size -= got;
	}
	return 0;
}

/* Fills in the header of what stands at path; *ret_size is how much content follows. */
static int describe(struct packing *packing, const char *path, off_t *ret_size)
{
	struct archive_entry *entry = archive_entry_clear(packing->entry);
	char target[PATH_MAX] = "";
	struct stat status;
	const char *twin;

	if (fstatat(packing->dir, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(packing->err, "/%s", path);
	archive_entry_copy_pathname(entry, path);
	archive_entry_set_filetype(entry, status.st_mode & S_IFMT);
	archive_entry_set_perm(entry, mode_of(packing, &status));
	archive_entry_set_mtime(entry, packing->options->date, 0);
	*ret_size = 0;
	switch (status.st_mode & S_IFMT) {
	case S_IFDIR:
		return 0;
	case S_IFLNK:
		if (readlinkat(packing->dir, path, target, sizeof target - 1) < 0)
			return error_errno(packing->err, "/%s", path);
		archive_entry_copy_symlink(entry, target);
		archive_entry_set_perm(entry, 0777);
		return 0;
	case S_IFREG:
		twin = status.st_nlink > 1 ? find_twin(packing, &status, path) : NULL;
		if (twin)
			archive_entry_copy_hardlink(entry, twin);
		else
			archive_entry_set_size(entry, *ret_size = status.st_size);
		return 0;
	}
	return error_set(packing->err, ERROR_FAILED,
		"/%s: neither a file nor a directory nor a symlink", path);
}

static int pack_entries(struct packing *packing)
{
	for (size_t i = 0; i < packing->paths.len; i++) {
		const char *path = packing->paths.items[i];
		off_t size;

		if (describe(packing, path, &size) < 0)
			return -1;
		/* a warning says that a name is not ASCII and was written as the bytes it is */
		if (archive_write_header(packing->archive, packing->entry) < ARCHIVE_WARN)
			return complain(packing, path);
		if (size > 0 && copy_content(packing, path, size) < 0)
			return -1;
	}
	if (archive_write_close(packing->archive) != ARCHIVE_OK)
		return complain(packing, "");
	return 0;
}

static int open_archive(struct packing *packing)
{
	if (archive_write_set_format_pax_restricted(packing->archive) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(packing->archive, 1) != ARCHIVE_OK ||
		archive_write_open2(packing->archive, packing, NULL, write_blob, NULL, NULL) !=
			ARCHIVE_OK)
		return complain(packing, "");
	return 0;
}

static int pack_all(struct packing *packing)
{
	if (collect(packing, packing->dir, "") < 0)
		return -1;
	strv_sort(&packing->paths);
	return open_archive(packing) < 0 ? -1 : pack_entries(packing);
}

static int pack(struct packing *packing)
{
	int result;

	packing->err->text[0] = '\0'; /* complain() looks whether anybody said anything */
	packing->archive = archive_write_new();
	packing->entry = archive_entry_new();
	packing->chunk = memory_new(CHUNK, 1);
	if (!packing->archive || !packing->entry)
		abort(); /* out of memory, as in base/memory */
	result = pack_all(packing);
	archive_entry_free(packing->entry);
	if (archive_write_free(packing->archive) != ARCHIVE_OK && result == 0)
		result = error_set(packing->err, ERROR_FAILED, "layer: cannot be written");
	free(packing->chunk);
	free(packing->twins);
	strv_done(&packing->paths);
	return result;
}

int layer_pack(const struct store *store, int dir, const struct layer_options *options,
	struct digest *ret, struct error *err)
{
	struct store_writer writer;
	struct packing packing = { .dir = dir, .options = options, .writer = &writer, .err = err };
	int result;

	if (store_writer_begin(store, &writer, err) < 0)
		return error_wrap(err, "layer");
	result = pack(&packing);
	if (result == 0)
		result = store_writer_finish(&writer, NULL, ret, err);
	store_writer_discard(&writer);
	return result;
}

int layer_digest(
	int dir, const struct layer_options *options, struct digest *ret, struct error *err)
{
	struct packing packing = { .dir = dir, .options = options, .err = err };

	digest_begin(&packing.state);
	if (pack(&packing) < 0)
		return -1;
	digest_end(&packing.state, ret);
	return 0;
}
