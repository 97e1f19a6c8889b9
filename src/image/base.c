/* A base archive. An OCI image is brought into the store and its layers are unpacked one over the
 * other, with image-spec's whiteouts; of its config nothing is taken, the manifest says it all.
 *
 * Whiteouts name what lower layers brought, so they are applied before their own layer is unpacked,
 * and the marks themselves are taken away after it. */
#include "base.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strv.h"
#include "image/layout.h"
#include "place.h"
#include "store/tar.h"
#include "store/tree.h"

#include <string.h>
#include <unistd.h>

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

static int rewind_file(int fd, struct error *err)
{
	return lseek(fd, 0, SEEK_SET) < 0 ? error_errno(err, "seek") : 0;
}

/* Whether the tar holds an OCI image layout: 1, 0 or -1. */
static int is_layout(int fd, struct error *err)
{
	CLEANUP_TAR struct tar tar = TAR_NONE;
	struct tar_entry entry;
	int more;

	if (rewind_file(fd, err) < 0 || tar_open(fd, &tar, err) < 0)
		return -1;
	while ((more = tar_next(&tar, &entry, err)) > 0)
		if (strcmp(entry.path, "oci-layout") == 0)
			return 1;
	return more;
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Removes what one mark hides. */
static int apply_mark(int root, const char *mark, struct error *err)
{
	const char *name = last_of(mark);
	CLEANUP_FREE char *hidden = NULL;

	if (strcmp(name, OPAQUE) == 0) {
		if (name == mark)
			return error_set(err, ERROR_UNSUPPORTED, "it hides all below it");
		hidden = memory_format("%.*s", (int)(name - mark - 1), mark);
		return place_remove(root, hidden, err);
	}
	name += strlen(WHITEOUT);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, ERROR_INTEGRITY, "%s hides nothing", mark);
	hidden = memory_format(
		"%.*s%s", (int)(last_of(mark) - mark), mark, last_of(mark) + strlen(WHITEOUT));
	return place_remove(root, hidden, err);
}

static int apply_marks(int fd, int root, struct strv *marks, struct error *err)
{
	CLEANUP_TAR struct tar tar = TAR_NONE;
	struct tar_entry entry;
	int more;

	if (tar_open(fd, &tar, err) < 0)
		return -1;
	while ((more = tar_next(&tar, &entry, err)) > 0)
		if (strncmp(last_of(entry.path), WHITEOUT, strlen(WHITEOUT)) == 0)
			strv_add(marks, entry.path);
	for (size_t i = 0; more == 0 && i < marks->len; i++)
		if (apply_mark(root, marks->items[i], err) < 0)
			return -1;
	return more;
}

static int unpack_layer(
	const struct store *store, const struct digest *layer, int root, struct error *err)
{
	CLEANUP_CLOSE int fd = store_open_blob(store, layer, NULL, err);
	CLEANUP_STRV struct strv marks = { 0 };

	if (fd < 0 || apply_marks(fd, root, &marks, err) < 0 || rewind_file(fd, err) < 0 ||
		tree_unpack(fd, root, TREE_MERGE_USR, err) < 0)
		return -1;
	for (size_t i = 0; i < marks.len; i++)
		if (place_remove(root, marks.items[i], err) < 0)
			return -1;
	return 0;
}

static int unpack_image(
	const struct store *store, int fd, const char *name, int root, struct error *err)
{
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);
	const struct layout_source source = { .fd = fd, .name = name };
	struct digest manifest;
	bool known;

	if (rewind_file(fd, err) < 0 || layout_import(store, &source, &manifest, &known, err) < 0 ||
		layout_read_image(store, &manifest, image, err) < 0)
		return -1;
	for (size_t i = 0; i < image->layer_count; i++)
		if (unpack_layer(store, &image->layers[i], root, err) < 0)
			return error_wrap(err, "layer %zu", i + 1);
	return 0;
}

int base_unpack(const struct store *store, int fd, const char *name, int root, struct error *err)
{
	int layout = is_layout(fd, err);

	if (layout > 0)
		return unpack_image(store, fd, name, root, err);
	if (layout < 0 || rewind_file(fd, err) < 0 ||
		tree_unpack(fd, root, TREE_MERGE_USR, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}
