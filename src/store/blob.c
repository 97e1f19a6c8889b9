/* Blobs: content under the name of its SHA-256.
 *
 * A blob that stands under blobs/ is whole and was digested as it was written, so opening one does
 * not digest it again: that is for verify, and for store_read_blob, whose documents are small.
 *
 * Deliberately absent: what a blob holds. */
#include "store/store.h"

#include "base/cleanup.h"
#include "base/file.h"

#include "tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOB_NAME = 96, NAME_TRIES = 100 };

static void blob_name(const struct digest *digest, char name[BLOB_NAME])
{
	(void)snprintf(name, BLOB_NAME, "blobs/sha256/%s", digest->hex); /* always fits */
}

bool store_has_blob(const struct store *store, const struct digest *digest)
{
	char name[BLOB_NAME];
	struct stat status;

	blob_name(digest, name);
	return fstatat(store->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode);
}

int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *ret_size,
	struct error *err)
{
	char name[BLOB_NAME];
	struct stat status;
	CLEANUP_CLOSE int fd = -1;

	blob_name(digest, name);
	fd = openat(store->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		int errnum = errno;

		error_errno(err, "blob %s", digest->hex);
		if (errnum == ENOENT)
			error_set(err, ERROR_INTEGRITY, "blob %s is missing", digest->hex);
		return store_error(store, err);
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_INTEGRITY, "blob %s is not a regular file", digest->hex);
		return store_error(store, err);
	}
	if (ret_size)
		*ret_size = (uint64_t)status.st_size;
	return steal_fd(&fd);
}

int store_read_blob(const struct store *store, const struct digest *digest, size_t max,
	struct buf *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = store_open_blob(store, digest, NULL, err);
	size_t before = ret->len;
	struct digest actual;

	if (fd < 0)
		return -1;
	if (file_read_all(fd, max, ret, err) < 0) {
		error_wrap(err, "blob %s", digest->hex);
		return store_error(store, err);
	}
	digest_bytes(ret->data + before, ret->len - before, &actual);
	if (digest_equal(&actual, digest))
		return 0;
	error_set(err, ERROR_INTEGRITY, "blob %s has the digest %s", digest->hex, actual.hex);
	return store_error(store, err);
}

int store_put_blob(const struct store *store, const void *data, size_t len, struct digest *ret,
	struct error *err)
{
	struct store_writer writer;
	struct digest digest;
	int result;

	digest_bytes(data, len, &digest);
	if (store_has_blob(store, &digest)) {
		*ret = digest;
		return 0;
	}
	if (store_writer_begin(store, &writer, err) < 0)
		return -1;
	result = store_writer_add(&writer, data, len, err);
	if (result == 0)
		result = store_writer_finish(&writer, &digest, ret, err);
	store_writer_discard(&writer);
	return result;
}

int store_writer_begin(const struct store *store, struct store_writer *ret, struct error *err)
{
	struct store_writer writer = { .store = store, .fd = -1 };

	for (int i = 0; i < NAME_TRIES; i++) {
		CLEANUP_CLOSE int fd = -1;

		if (tmp_name(writer.name, err) < 0)
			return -1;
		fd = openat(store->dir, writer.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			error_errno(err, "create %s", writer.name);
			return store_error(store, err);
		}
		if (!tmp_claim(store->dir, writer.name, fd))
			continue;
		writer.fd = steal_fd(&fd);
		digest_begin(&writer.state);
		*ret = writer;
		return 0;
	}
	error_set(err, ERROR_FAILED, "every file made in tmp was removed by others");
	return store_error(store, err);
}

void store_writer_begin_check(const struct store *store, struct store_writer *ret)
{
	*ret = (struct store_writer){ .store = store, .fd = -1 };
	digest_begin(&ret->state);
}

int store_writer_add(struct store_writer *writer, const void *data, size_t len, struct error *err)
{
	if (writer->fd >= 0 && file_write_all(writer->fd, data, len, err) < 0)
		return store_error(writer->store, err);
	digest_add(&writer->state, data, len);
	writer->size += len;
	return 0;
}

int store_writer_keep(struct store_writer *writer, const struct digest *wanted, struct error *err)
{
	digest_end(&writer->state, &writer->digest);
	if (wanted && !digest_equal(wanted, &writer->digest))
		return error_set(err, ERROR_INTEGRITY, "its digest is %s instead of %s",
			writer->digest.hex, wanted->hex);
	if (writer->fd >= 0 && fdatasync(writer->fd) < 0) {
		error_errno(err, "write %s", writer->name);
		return store_error(writer->store, err);
	}
	return 0;
}

int store_writer_publish(struct store_writer *writer, struct error *err)
{
	const struct store *store = writer->store;
	CLEANUP_CLOSE int blobs = -1;
	char name[BLOB_NAME];

	if (!writer->name[0])
		return 0;
	blob_name(&writer->digest, name);
	if (renameat(store->dir, writer->name, store->dir, name) < 0) {
		error_errno(err, "put %s in its place", name);
		return store_error(store, err);
	}
	writer->name[0] = '\0';
	blobs = openat(store->dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (blobs < 0 || fsync(blobs) < 0) {
		error_errno(err, "write %s", name);
		return store_error(store, err);
	}
	return 0;
}

int store_writer_finish(struct store_writer *writer, const struct digest *wanted,
	struct digest *ret, struct error *err)
{
	if (store_writer_keep(writer, wanted, err) < 0 || store_writer_publish(writer, err) < 0)
		return -1;
	*ret = writer->digest;
	return 0;
}

void store_writer_discard(struct store_writer *writer)
{
	if (!writer->store)
		return;
	if (writer->name[0])
		(void)unlinkat(writer->store->dir, writer->name, 0); /* else the sweep does it */
	if (writer->fd >= 0)
		(void)close(writer->fd); /* whoever wanted it durable has synced it */
	writer->fd = -1;
	writer->name[0] = '\0';
}
