/* index.json, manifests and oci-layout: image-spec, image-index.md, manifest.md, image-layout.md.
 * Printed canonically, so that the same image has the same digest everywhere; parsed as a
 * stranger's: unknown members are allowed (the specification says so), wrong ones are not.
 *
 * Deliberately absent: image configs (model/imageconfig), choosing among platforms. */
#include "documents.h"

#include "base/json.h"
#include "base/strv.h"

#include <string.h>

#define INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE    "application/vnd.oci.image.layer.v1.tar"

static json_t *descriptor(const char *type, const struct digest *digest, uint64_t size)
{
	return json_pack("{s:s, s:s+, s:I}", "mediaType", type, "digest", "sha256:", digest->hex,
		"size", (json_int_t)size);
}

void documents_print_index(
	const struct digest *manifest, uint64_t size, const char *ref, struct buf *ret)
{
	json_t *image = descriptor(MANIFEST_TYPE, manifest, size);
	CLEANUP_JSON json_t *index = NULL;

	if (ref)
		(void)json_object_set_new(image, "annotations",
			json_pack("{s:s}", "org.opencontainers.image.ref.name", ref));
	index = json_pack("{s:i, s:s, s:[o]}", "schemaVersion", 2, "mediaType", INDEX_TYPE,
		"manifests", image);
	json_print(index, false, ret);
}

void documents_print_manifest(const struct layout_image *image, struct buf *ret)
{
	CLEANUP_JSON json_t *manifest = json_pack("{s:i, s:s, s:o, s:[]}", "schemaVersion", 2,
		"mediaType", MANIFEST_TYPE, "config",
		descriptor(CONFIG_TYPE, &image->config, image->config_size), "layers");

	for (size_t i = 0; i < image->layer_count; i++)
		(void)json_array_append_new(json_object_get(manifest, "layers"),
			descriptor(LAYER_TYPE, &image->layers[i], image->layer_sizes[i]));
	json_print(manifest, false, ret);
}

static int need(
	const struct json_at *object, const char *key, struct json_at *ret, struct error *err)
{
	if (json_is(object, JSON_OBJECT, err) < 0)
		return -1;
	return json_member(object, key, ret) ? 0 : json_error(object, err, "has no \"%s\"", key);
}

static int read_descriptor(const struct json_at *at, const char **ret_type, struct digest *ret,
	uint64_t *ret_size, struct error *err)
{
	struct json_at digest_at;
	struct json_at size_at;
	struct json_at type_at;
	const char *text;
	int64_t size;

	if (need(at, "digest", &digest_at, err) < 0 || json_get_str(&digest_at, &text, err) < 0 ||
		need(at, "size", &size_at, err) < 0 ||
		json_get_int(&size_at, 0, INT64_MAX, &size, err) < 0 ||
		need(at, "mediaType", &type_at, err) < 0 ||
		json_get_str(&type_at, ret_type, err) < 0)
		return -1;
	if (strncmp(text, "sha256:", 7) != 0 || digest_parse(text, ret, err) < 0)
		return json_error(&digest_at, err, "is not \"sha256:\" and 64 digits");
	*ret_size = (uint64_t)size;
	return 0;
}

/* What a document says is a stranger's word, not a person's mistake: the kind is INTEGRITY. */
static int integrity(struct error *err)
{
	if (err->kind == ERROR_CONFIG)
		err->kind = ERROR_INTEGRITY;
	return -1;
}

static int parse_index(
	const struct json_at *top, struct digest *ret, uint64_t *ret_size, struct error *err)
{
	struct json_at manifests;
	struct json_at image;
	const char *type;

	if (need(top, "manifests", &manifests, err) < 0 || json_is(&manifests, JSON_ARRAY, err) < 0)
		return -1;
	if (json_array_size(manifests.value) != 1)
		return error_set(err, ERROR_UNSUPPORTED, "%s: %zu images instead of one", top->file,
			json_array_size(manifests.value));
	(void)json_element(&manifests, 0, &image); /* counted above */
	if (read_descriptor(&image, &type, ret, ret_size, err) < 0)
		return -1;
	if (strcmp(type, MANIFEST_TYPE) != 0)
		return error_set(
			err, ERROR_UNSUPPORTED, "%s: an image of type %.80s", top->file, type);
	return 0;
}

int documents_parse_index(
	const struct buf *text, struct digest *ret, uint64_t *ret_size, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = "index.json", .text = text->data };

	if (json_parse(top.file, text->data, text->len, &value, err) < 0)
		return integrity(err);
	top.value = value;
	return parse_index(&top, ret, ret_size, err) < 0 ? integrity(err) : 0;
}

static int parse_layers(const struct json_at *layers, struct layout_image *ret, struct error *err)
{
	struct json_at layer;
	const char *type;
	size_t i;

	if (json_is(layers, JSON_ARRAY, err) < 0)
		return -1;
	for (i = 0; json_element(layers, i, &layer); i++) {
		if (i == LAYOUT_LAYERS_MAX)
			return json_error(layers, err, "more than %d layers", LAYOUT_LAYERS_MAX);
		if (read_descriptor(&layer, &type, &ret->layers[i], &ret->layer_sizes[i], err) < 0)
			return -1;
		if (strcmp(type, LAYER_TYPE) != 0)
			return error_set(
				err, ERROR_UNSUPPORTED, "manifest: a layer of type %.80s", type);
	}
	ret->layer_count = i;
	return 0;
}

static int parse_manifest(const struct json_at *top, struct layout_image *ret, struct error *err)
{
	struct json_at config;
	struct json_at layers;
	const char *type;

	if (need(top, "config", &config, err) < 0 ||
		read_descriptor(&config, &type, &ret->config, &ret->config_size, err) < 0 ||
		need(top, "layers", &layers, err) < 0)
		return -1;
	if (strcmp(type, CONFIG_TYPE) != 0)
		return error_set(err, ERROR_UNSUPPORTED, "manifest: a config of type %.80s", type);
	return parse_layers(&layers, ret, err);
}

int documents_parse_manifest(const struct buf *text, struct layout_image *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = "manifest", .text = text->data };

	if (json_parse(top.file, text->data, text->len, &value, err) < 0)
		return integrity(err);
	top.value = value;
	return parse_manifest(&top, ret, err) < 0 ? integrity(err) : 0;
}

int documents_check_version(const struct buf *text, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = "oci-layout", .text = text->data };
	struct json_at version;
	const char *number;

	if (json_parse(top.file, text->data, text->len, &value, err) < 0)
		return integrity(err);
	top.value = value;
	if (need(&top, "imageLayoutVersion", &version, err) < 0 ||
		json_get_str(&version, &number, err) < 0)
		return integrity(err);
	if (strcmp(number, "1.0.0") != 0)
		return error_set(err, ERROR_UNSUPPORTED, "image layout version %.20s", number);
	return 0;
}
