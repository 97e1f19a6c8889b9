/* OCI image layouts (image-spec, image-layout.md): a tar with oci-layout, index.json and
 * blobs/sha256/…, written from and read into the store. An image is named by the digest of its
 * manifest. Layers are plain tars, so that a layer's digest is its diff_id. */
#ifndef IMAGE_LAYOUT_H
#define IMAGE_LAYOUT_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LAYOUT_DOCUMENT_MAX = 4 << 20, /* bytes of an index or a manifest */
	LAYOUT_CONFIG_MAX = 16 << 20,  /* bytes of a config: of a release it has the environment */
	LAYOUT_LAYERS_MAX = 128,
};

/* What a manifest refers to. */
struct layout_image {
	struct digest config;
	uint64_t config_size;
	struct digest layers[LAYOUT_LAYERS_MAX]; /* bottom first; plain tars */
	uint64_t layer_sizes[LAYOUT_LAYERS_MAX];
	size_t layer_count;
};

/* Makes the manifest of a config and layers that are in the store, puts it there and returns its
 * digest. The same input gives the same digest. */
int layout_put_image(const struct store *store, const struct digest *config,
	const struct digest *layers, size_t layer_count, struct digest *ret, struct error *err);

/* Reads a manifest that is in the store, digest checked. ERROR_INTEGRITY. */
int layout_read_image(const struct store *store, const struct digest *manifest,
	struct layout_image *ret, struct error *err);

struct layout_options {
	int64_t date;    /* of every entry, seconds since 1970 */
	mode_t mode;     /* of the file: 0600 for a release */
	const char *ref; /* org.opencontainers.image.ref.name, or NULL */
};

/* Writes the image into a tar at path, whole or not at all; "-" is standard output. The same image
 * and options give the same bytes. */
int layout_write(const struct store *store, const struct digest *manifest,
	const struct layout_options *options, const char *path, struct error *err);

/* Judges an image before it appears in the store; config is the text of its config. -1 refuses. */
typedef int layout_on_image(void *context, const struct layout_image *image,
	const struct buf *config, struct error *err);

/* Brings the image of a tar (plain, gzip or zstd; read from fd, which may be a pipe; name is for
 * errors) into the store: every digest and size is checked while reading, check is asked (NULL:
 * nobody is), and everything appears together or nothing does. Of a plain tar in a file whose image
 * the store has already, only the headers and the index are read; *ret_known then is true.
 * ERROR_INTEGRITY: damaged, not a layout. ERROR_UNSUPPORTED: more than one image, or compressed
 * layers. */
struct layout_source {
	int fd;
	const char *name;
	layout_on_image *check;
	void *context;
};
int layout_import(const struct store *store, const struct layout_source *source, struct digest *ret,
	bool *ret_known, struct error *err);

#endif
