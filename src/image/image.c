/* Images in the store and their labels, each read as a stranger's document.
 *
 * Deliberately absent: making and changing them (release.c, build_config.c). */
#include "image.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void image_free(struct image **image)
{
	if (*image)
		imageconfig_done(&(*image)->config);
	free(*image);
}

int image_parse_config(const struct buf *text, const struct layout_image *image,
	struct imageconfig *ret, struct error *err)
{
	struct imageconfig config;
	bool same;

	if (imageconfig_parse("config", text->data, text->len, &config, err) < 0)
		return -1;
	same = config.diff_id_count == image->layer_count;
	for (size_t i = 0; same && i < image->layer_count; i++)
		same = digest_equal(&config.diff_ids[i], &image->layers[i]);
	if (!same) {
		imageconfig_done(&config);
		return error_set(
			err, ERROR_INTEGRITY, "config: its diff_ids are not the layers' digests");
	}
	*ret = config;
	return 0;
}

struct image *image_read(const struct store *store, const struct digest *id, struct error *err)
{
	CLEANUP_IMAGE struct image *image = memory_new(1, sizeof *image);
	CLEANUP_BUF struct buf text = { 0 };

	if (layout_read_image(store, id, &image->layout, err) < 0 ||
		store_read_blob(store, &image->layout.config, LAYOUT_CONFIG_MAX, &text, err) < 0)
		return NULL;
	if (image_parse_config(&text, &image->layout, &image->config, err) < 0) {
		error_wrap(err, "image %.*s", DIGEST_SHORT, id->hex);
		return NULL;
	}
	return STEAL(image);
}

int image_check_kind(const struct imageconfig *config, enum image_kind *ret, struct error *err)
{
	if (!imageconfig_label(config, IMAGECONFIG_MANIFEST)) {
		error_set(err, ERROR_UNSUPPORTED, "an image that isorun did not build");
		return error_hint(err, "this version runs builds and releases of isorun build");
	}
	*ret = imageconfig_label(config, IMAGECONFIG_RELEASE) ? IMAGE_RELEASE : IMAGE_BUILD;
	return 0;
}

int image_integrity(struct error *err)
{
	if (err->kind == ERROR_CONFIG)
		err->kind = ERROR_INTEGRITY;
	return -1;
}

int image_parse_manifest(const struct imageconfig *config, struct manifest *ret, struct error *err)
{
	const char *text = imageconfig_label(config, IMAGECONFIG_MANIFEST);

	if (manifest_parse(IMAGECONFIG_MANIFEST, text, strlen(text), NULL, ret, err) < 0)
		return image_integrity(err);
	return 0;
}

int image_parse_release(const struct imageconfig *config, const struct layout_image *image,
	struct release *ret, struct error *err)
{
	const char *text = imageconfig_label(config, IMAGECONFIG_RELEASE);
	struct release release;
	bool same;

	if (release_parse(IMAGECONFIG_RELEASE, text, strlen(text), &release, err) < 0)
		return image_integrity(err);
	same = release.layer_count == image->layer_count;
	for (size_t i = 0; same && i < release.layer_count; i++)
		same = digest_equal(&release.layers[i], &image->layers[i]);
	if (!same) {
		release_done(&release);
		return error_set(err, ERROR_INTEGRITY,
			IMAGECONFIG_RELEASE ": its layers are not the image's");
	}
	*ret = release;
	return 0;
}
