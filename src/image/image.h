/* An image of isorun's: its manifest, its config, and what its labels say. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "image/layout.h"
#include "image/release.h"
#include "model/imageconfig.h"
#include "model/manifest.h"

struct image {
	struct layout_image layout;
	struct imageconfig config;
};

/* Reads manifest and config from the store, digests checked; NULL with err. image_free it. */
struct image *image_read(const struct store *store, const struct digest *id, struct error *err);
void image_free(struct image **image);
#define CLEANUP_IMAGE __attribute__((cleanup(image_free)))

/* Reads the text of image's config; its diff_ids must be the layers' digests. */
int image_parse_config(const struct buf *text, const struct layout_image *image,
	struct imageconfig *ret, struct error *err);

/* A build or a release; an image made by others is ERROR_UNSUPPORTED. */
int image_check_kind(const struct imageconfig *config, enum image_kind *ret, struct error *err);

/* The manifest in its label, which is there. */
int image_parse_manifest(const struct imageconfig *config, struct manifest *ret, struct error *err);

/* The release in its label, which is there; its layers must be the image's. */
int image_parse_release(const struct imageconfig *config, const struct layout_image *image,
	struct release *ret, struct error *err);

/* A stranger's document, not a person's mistake: makes the kind ERROR_INTEGRITY. Returns -1. */
int image_integrity(struct error *err);

#endif
