/* Image layouts on their way into the store.
 *
 * Theory of operation. Entries come in any order, so every blob is taken into a file under tmp/ and
 * digested on the way; it must have the digest that its name claims. At the end the index is
 * followed to the manifest, and that to config and layers: each must have come, or be in the store
 * already, with the size that is claimed. The layers are unpacked, also under tmp/. Only then is
 * all of it renamed into place, the manifest last: a manifest that is in the store says that all it
 * refers to is there. What nothing refers to is
 * thrown away.
 *
 * Deliberately absent: docker-archive, compressed layers, other platforms, what a config says. */
#include "image/layout.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/tar.h"
#include "store/tree.h"

#include "documents.h"
#include "peek.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18, BLOBS_MAX = 4096 };

struct import {
	const struct store *store;
	struct store_writer *blobs; /* kept, not yet published */
	size_t blob_count;
	struct tree_staging *trees; /* unpacked, not yet published */
	size_t tree_count;
	struct buf index;
	struct buf version;
	char *chunk;
};

static void import_done(struct import *import)
{
	for (size_t i = 0; i < import->blob_count; i++)
		store_writer_discard(&import->blobs[i]);
	for (size_t i = 0; i < import->tree_count; i++)
		tree_discard(&import->trees[i]);
	free(import->trees);
	free(import->blobs);
	free(import->chunk);
	buf_done(&import->index);
	buf_done(&import->version);
}

static int read_document(
	struct tar *tar, const struct tar_entry *entry, struct buf *ret, struct error *err)
{
	char chunk[4096];
	uint64_t offset;
	ssize_t got;

	if (ret->data)
		return error_set(err, ERROR_INTEGRITY, "it is there twice");
	if (entry->size > LAYOUT_DOCUMENT_MAX)
		return error_set(err, ERROR_INTEGRITY, "larger than %d bytes", LAYOUT_DOCUMENT_MAX);
	buf_reserve(ret, (size_t)entry->size);
	while ((got = tar_read(tar, chunk, sizeof chunk, &offset, err)) > 0)
		buf_add(ret, chunk, (size_t)got);
	if (got < 0)
		return -1;
	return ret->len == entry->size ? 0 : error_set(err, ERROR_INTEGRITY, "truncated");
}

static struct store_writer *find_blob(struct import *import, const struct digest *digest)
{
	for (size_t i = 0; i < import->blob_count; i++)
		if (digest_equal(&import->blobs[i].digest, digest))
			return &import->blobs[i];
	return NULL;
}

static int fill_blob(struct import *import, struct tar *tar, struct store_writer *writer,
	const struct digest *wanted, struct error *err)
{
	uint64_t offset;
	ssize_t got;

	while ((got = tar_read(tar, import->chunk, CHUNK, &offset, err)) > 0) {
		if (offset != writer->size)
			return error_set(err, ERROR_INTEGRITY, "a sparse blob");
		if (store_writer_add(writer, import->chunk, (size_t)got, err) < 0)
			return -1;
	}
	return got < 0 ? -1 : store_writer_keep(writer, wanted, err);
}

static int take_blob(struct import *import, struct tar *tar, const char *hex, struct error *err)
{
	struct digest wanted;
	struct store_writer writer;

	if (strlen(hex) != DIGEST_HEX - 1 || digest_parse(hex, &wanted, err) < 0)
		return error_set(err, ERROR_INTEGRITY, "its name is not a SHA-256 digest");
	if (find_blob(import, &wanted))
		return error_set(err, ERROR_INTEGRITY, "it is there twice");
	if (import->blob_count == BLOBS_MAX)
		return error_set(err, ERROR_INTEGRITY, "more than %d blobs", BLOBS_MAX);
	if (store_has_blob(import->store, &wanted))
		store_writer_begin_check(import->store, &writer);
	else if (store_writer_begin(import->store, &writer, err) < 0)
		return -1;
	if (fill_blob(import, tar, &writer, &wanted, err) < 0) {
		store_writer_discard(&writer);
		return -1;
	}
	import->blobs = memory_resize(import->blobs, import->blob_count + 1, sizeof *import->blobs);
	import->blobs[import->blob_count++] = writer;
	return 0;
}

static int take_entry(
	struct import *import, struct tar *tar, const struct tar_entry *entry, struct error *err)
{
	static const char blobs[] = "blobs/sha256/";

	if (entry->type == TAR_DIRECTORY)
		return 0;
	if (entry->type != TAR_FILE)
		return error_set(err, ERROR_INTEGRITY, "a link is not allowed");
	if (strcmp(entry->path, "index.json") == 0)
		return read_document(tar, entry, &import->index, err);
	if (strcmp(entry->path, "oci-layout") == 0)
		return read_document(tar, entry, &import->version, err);
	if (strncmp(entry->path, blobs, sizeof blobs - 1) == 0)
		return take_blob(import, tar, entry->path + sizeof blobs - 1, err);
	return 0; /* others' additions (manifest.json) are none of our business */
}

static int read_entries(struct import *import, int fd, struct error *err)
{
	CLEANUP_FREE struct tar_entry *entry = memory_new(1, sizeof *entry);
	CLEANUP_TAR struct tar tar = TAR_NONE;
	int more;

	if (tar_open(fd, &tar, err) < 0)
		return -1;
	while ((more = tar_next(&tar, entry, err)) > 0)
		if (take_entry(import, &tar, entry, err) < 0)
			return error_wrap(err, "%.100s", entry->path);
	return more;
}

/* Whether the blob came or is in the store, with that size. */
static int check_blob(struct import *import, const char *what, const struct digest *digest,
	uint64_t size, struct error *err)
{
	struct store_writer *came = find_blob(import, digest);
	uint64_t actual;

	if (came) {
		actual = came->size;
	} else if (store_has_blob(import->store, digest)) {
		CLEANUP_CLOSE int fd = store_open_blob(import->store, digest, &actual, err);

		if (fd < 0)
			return -1;
	} else {
		return error_set(
			err, ERROR_INTEGRITY, "%s sha256:%s is missing", what, digest->hex);
	}
	if (actual == size)
		return 0;
	return error_set(err, ERROR_INTEGRITY, "%s sha256:%s has %llu bytes instead of %llu", what,
		digest->hex, (unsigned long long)actual, (unsigned long long)size);
}

static int check_image(struct import *import, const struct layout_image *image, struct error *err)
{
	if (check_blob(import, "config", &image->config, image->config_size, err) < 0)
		return -1;
	for (size_t i = 0; i < image->layer_count; i++)
		if (check_blob(import, "layer", &image->layers[i], image->layer_sizes[i], err) < 0)
			return -1;
	return 0;
}

static int publish(struct import *import, const struct digest *digest, struct error *err)
{
	struct store_writer *blob = find_blob(import, digest);

	if (!blob || !blob->name[0]) /* in the store already, or a layer used twice */
		return 0;
	if (store_has_blob(import->store, digest))
		return 0;
	return store_writer_publish(blob, err);
}

static int unpack_layer(struct import *import, const struct digest *digest, struct error *err)
{
	struct store_writer *came = find_blob(import, digest);
	bool staged = came && came->fd >= 0;
	CLEANUP_CLOSE int fd = staged ? fcntl(came->fd, F_DUPFD_CLOEXEC, 3)
				      : store_open_blob(import->store, digest, NULL, err);

	if (fd < 0)
		return staged ? error_errno(err, "layer %s", digest->hex) : -1;
	if (tree_stage(import->store, fd, digest, &import->trees[import->tree_count], err) < 0)
		return -1;
	import->tree_count++;
	return 0;
}

/* A layer that cannot be unpacked must not get into the store. */
static int unpack_layers(struct import *import, const struct layout_image *image, struct error *err)
{
	import->trees = memory_new(image->layer_count, sizeof *import->trees);
	for (size_t i = 0; i < image->layer_count; i++)
		if (unpack_layer(import, &image->layers[i], err) < 0)
			return -1;
	return 0;
}

static int publish_image(struct import *import, const struct digest *manifest,
	const struct layout_image *image, struct error *err)
{
	for (size_t i = 0; i < import->tree_count; i++)
		if (tree_publish(&import->trees[i], err) < 0)
			return -1;
	if (publish(import, &image->config, err) < 0)
		return -1;
	for (size_t i = 0; i < image->layer_count; i++)
		if (publish(import, &image->layers[i], err) < 0)
			return -1;
	return publish(import, manifest, err);
}

/* Reads a document that came, or else one that the store has. */
static int read_came(struct import *import, const struct digest *digest, size_t max,
	struct buf *ret, struct error *err)
{
	struct store_writer *came = find_blob(import, digest);

	if (!came || came->fd < 0)
		return store_read_blob(import->store, digest, max, ret, err);
	if (lseek(came->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "read %s", digest->hex);
	return file_read_all(came->fd, max, ret, err);
}

static int read_manifest(struct import *import, const struct digest *digest,
	struct layout_image *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (read_came(import, digest, LAYOUT_DOCUMENT_MAX, &text, err) < 0)
		return error_wrap(err, "manifest");
	return documents_parse_manifest(&text, ret, err);
}

static int ask(struct import *import, const struct layout_source *source,
	const struct layout_image *image, struct error *err)
{
	CLEANUP_BUF struct buf config = { 0 };

	if (!source->check)
		return 0;
	if (read_came(import, &image->config, LAYOUT_CONFIG_MAX, &config, err) < 0)
		return error_wrap(err, "config");
	return source->check(source->context, image, &config, err);
}

static int import_image(struct import *import, const struct layout_source *source,
	struct digest *ret, struct error *err)
{
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);
	struct digest manifest;
	uint64_t size;

	if (read_entries(import, source->fd, err) < 0)
		return -1;
	if (!import->index.data || !import->version.data)
		return error_set(err, ERROR_INTEGRITY, "not an OCI image layout: it has no %s",
			import->index.data ? "oci-layout" : "index.json");
	if (documents_check_version(&import->version, err) < 0 ||
		documents_parse_index(&import->index, &manifest, &size, err) < 0 ||
		check_blob(import, "manifest", &manifest, size, err) < 0 ||
		read_manifest(import, &manifest, image, err) < 0 ||
		check_image(import, image, err) < 0 || ask(import, source, image, err) < 0 ||
		unpack_layers(import, image, err) < 0 ||
		publish_image(import, &manifest, image, err) < 0)
		return -1;
	*ret = manifest;
	return 0;
}

/* 1: the store has the image. 0: not; *ret_lock then is held, so that two imports of it do the work
 * once, or -1 where the archive does not tell which it is before it is read. */
static int look(
	const struct store *store, int fd, struct digest *ret, int *ret_lock, struct error *err)
{
	if (!peek_manifest(fd, ret))
		return 0;
	if (store_has_blob(store, ret))
		return 1;
	*ret_lock = store_lock(store, "image", ret->hex, err);
	return *ret_lock < 0 ? -1 : store_has_blob(store, ret);
}

int layout_import(const struct store *store, const struct layout_source *source, struct digest *ret,
	bool *ret_known, struct error *err)
{
	struct import import = { .store = store };
	struct digest manifest;
	CLEANUP_CLOSE int lock = -1;
	int known = look(store, source->fd, &manifest, &lock, err);

	if (known == 0) {
		import.chunk = memory_new(CHUNK, 1);
		if (import_image(&import, source, &manifest, err) < 0)
			known = error_wrap(err, "%s", source->name);
		import_done(&import);
	}
	if (known < 0)
		return -1;
	*ret = manifest;
	*ret_known = known;
	return 0;
}
