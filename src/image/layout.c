/* Images in the store and their way out: manifests put and read, and the tar that carries them.
 *
 * The tar is a function of its content: entries sorted, owned by 0:0, dated as the caller says,
 * ustar headers. It is written without a name where the file system can do that (O_TMPFILE), so
 * that a killed isorun leaves nothing beside the file that was wanted.
 *
 * Deliberately absent: reading (import.c), and what a config says (model/imageconfig). */
#include "image/layout.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include "documents.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 18, BLOBS_MAX = LAYOUT_LAYERS_MAX + 2 };

static int blob_size(
	const struct store *store, const struct digest *digest, uint64_t *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = store_open_blob(store, digest, ret, err);

	return fd < 0 ? -1 : 0;
}

int layout_put_image(const struct store *store, const struct digest *config,
	const struct digest *layers, size_t layer_count, struct digest *ret, struct error *err)
{
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);
	CLEANUP_BUF struct buf text = { 0 };

	if (layer_count > LAYOUT_LAYERS_MAX)
		return error_set(err, ERROR_FAILED, "more than %d layers", LAYOUT_LAYERS_MAX);
	image->config = *config;
	image->layer_count = layer_count;
	if (blob_size(store, config, &image->config_size, err) < 0)
		return -1;
	for (size_t i = 0; i < layer_count; i++) {
		image->layers[i] = layers[i];
		if (blob_size(store, &layers[i], &image->layer_sizes[i], err) < 0)
			return -1;
	}
	documents_print_manifest(image, &text);
	return store_put_blob(store, text.data, text.len, ret, err);
}

int layout_read_image(const struct store *store, const struct digest *manifest,
	struct layout_image *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (store_read_blob(store, manifest, LAYOUT_DOCUMENT_MAX, &text, err) < 0)
		return -1;
	if (documents_parse_manifest(&text, ret, err) < 0)
		return error_wrap(err, "image %.*s", DIGEST_SHORT, manifest->hex);
	return 0;
}

/* A tar being written. A failure is kept here and libarchive is not told, for it frees nothing of a
 * writer that it knows to have failed. */
struct output {
	struct archive *archive;
	int fd;
	bool failed;        /* nothing is written any more */
	struct error error; /* why, where writing failed */
	int64_t date;
	char *chunk;
};

static la_ssize_t on_write(struct archive *archive, void *context, const void *data, size_t len)
{
	struct output *output = context;

	(void)archive; /* a callback's signature */
	if (!output->failed && file_write_all(output->fd, data, len, &output->error) < 0)
		output->failed = true;
	return (la_ssize_t)len;
}

/* What libarchive says, or the failure behind it. */
static int check(struct output *output, bool good, struct error *err)
{
	if (output->failed) {
		*err = output->error;
		return -1;
	}
	if (good)
		return 0;
	errno = archive_errno(output->archive);
	return error_errno(err, "write");
}

static int put_header(
	struct output *output, const char *name, mode_t mode, uint64_t size, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	int result;

	if (!entry)
		abort(); /* out of memory */
	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, output->date, 0);
	result = archive_write_header(output->archive, entry);
	archive_entry_free(entry);
	return check(output, result == ARCHIVE_OK, err);
}

static int put_data(struct output *output, const void *data, size_t len, struct error *err)
{
	la_ssize_t put = archive_write_data(output->archive, data, len);

	return check(output, put == (la_ssize_t)len, err);
}

static int put_text(
	struct output *output, const char *name, const char *text, size_t len, struct error *err)
{
	if (put_header(output, name, S_IFREG | 0644, len, err) < 0)
		return -1;
	return put_data(output, text, len, err);
}

static int put_blob(struct output *output, const struct store *store, const struct digest *digest,
	struct error *err)
{
	CLEANUP_FREE char *name = memory_format("blobs/sha256/%s", digest->hex);
	uint64_t size;
	CLEANUP_CLOSE int fd = store_open_blob(store, digest, &size, err);

	if (fd < 0 || put_header(output, name, S_IFREG | 0644, size, err) < 0)
		return -1;
	while (size > 0) {
		ssize_t got = read(fd, output->chunk, size < CHUNK ? (size_t)size : CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "read blob %s", digest->hex);
		if (got == 0)
			return error_set(err, ERROR_INTEGRITY, "blob %s is truncated", digest->hex);
		if (put_data(output, output->chunk, (size_t)got, err) < 0)
			return -1;
		size -= (uint64_t)got;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct digest *)a)->hex, ((const struct digest *)b)->hex);
}

/* Manifest, config and layers, sorted, each once. */
static size_t collect_blobs(const struct layout_image *image, const struct digest *manifest,
	struct digest blobs[BLOBS_MAX])
{
	size_t count = 0;
	size_t kept = 1;

	blobs[count++] = *manifest;
	blobs[count++] = image->config;
	for (size_t i = 0; i < image->layer_count; i++)
		blobs[count++] = image->layers[i];
	qsort(blobs, count, sizeof *blobs, compare);
	for (size_t i = 1; i < count; i++)
		if (!digest_equal(&blobs[i], &blobs[kept - 1]))
			blobs[kept++] = blobs[i];
	return kept;
}

static int put_layout(struct output *output, const struct store *store,
	const struct digest *manifest, const char *ref, struct error *err)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);
	CLEANUP_FREE struct digest *blobs = memory_new(BLOBS_MAX, sizeof *blobs);
	CLEANUP_BUF struct buf index = { 0 };
	uint64_t size;
	size_t count;

	if (layout_read_image(store, manifest, image, err) < 0 ||
		blob_size(store, manifest, &size, err) < 0 ||
		put_header(output, "blobs/", S_IFDIR | 0755, 0, err) < 0 ||
		put_header(output, "blobs/sha256/", S_IFDIR | 0755, 0, err) < 0)
		return -1;
	count = collect_blobs(image, manifest, blobs);
	for (size_t i = 0; i < count; i++)
		if (put_blob(output, store, &blobs[i], err) < 0)
			return -1;
	documents_print_index(manifest, size, ref, &index);
	if (put_text(output, "index.json", index.data, index.len, err) < 0)
		return -1;
	return put_text(output, "oci-layout", version, sizeof version - 1, err);
}

static int write_tar(const struct store *store, const struct digest *manifest,
	const struct layout_options *options, int fd, struct error *err)
{
	struct output output = { .archive = archive_write_new(), .fd = fd, .date = options->date };
	int result;

	if (!output.archive)
		abort(); /* out of memory */
	output.chunk = memory_new(CHUNK, 1);
	/* "restricted": ustar as long as everything fits into it. */
	result = check(&output,
		archive_write_set_format_pax_restricted(output.archive) == ARCHIVE_OK &&
			archive_write_open(output.archive, &output, NULL, on_write, NULL) ==
				ARCHIVE_OK,
		err);
	if (result == 0)
		result = put_layout(&output, store, manifest, options->ref, err);
	if (result == 0)
		result = check(&output, archive_write_close(output.archive) == ARCHIVE_OK, err);
	output.failed = true;                     /* free would write an end */
	(void)archive_write_free(output.archive); /* closed above */
	free(output.chunk);
	return result;
}

/* Gives the unnamed or temporary file its name. */
static int name_file(
	int fd, const char *temporary, bool unnamed, const char *path, struct error *err)
{
	CLEANUP_FREE char *link = memory_format("/proc/self/fd/%d", fd);

	if (fsync(fd) < 0)
		return error_errno(err, "write");
	(void)(unnamed && unlink(temporary) < 0); /* usually absent */
	if (unnamed && linkat(AT_FDCWD, link, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) < 0)
		return error_errno(err, "create");
	if (rename(temporary, path) == 0)
		return 0;
	error_errno(err, "rename");
	(void)unlink(temporary); /* the first error is the one to tell */
	return -1;
}

static int write_file(const struct store *store, const struct digest *manifest,
	const struct layout_options *options, const char *path, struct error *err)
{
	CLEANUP_FREE char *copy = memory_copy_str(path);
	CLEANUP_FREE char *temporary = memory_format("%s.new-%d", path, (int)getpid());
	CLEANUP_CLOSE int fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool unnamed = fd >= 0;

	if (!unnamed)
		fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "create");
	if (write_tar(store, manifest, options, fd, err) < 0 ||
		(fchmod(fd, options->mode) < 0 && error_errno(err, "write") < 0)) {
		if (!unnamed)
			(void)unlink(temporary); /* the first error is the one to tell */
		return -1;
	}
	return name_file(fd, temporary, unnamed, path, err);
}

int layout_write(const struct store *store, const struct digest *manifest,
	const struct layout_options *options, const char *path, struct error *err)
{
	int result = strcmp(path, "-") == 0
			     ? write_tar(store, manifest, options, STDOUT_FILENO, err)
			     : write_file(store, manifest, options, path, err);

	return result < 0 ? error_wrap(err, "%s", path) : 0;
}
