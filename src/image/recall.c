/* Builds remembered. starts/HEX in the store, named after the directory, says what that codebase
 * was when it was last built and which build it became. One small file a directory, so nothing has
 * to be swept; a build that gc took away is made again.
 *
 * The codebase is looked at before and after a build, and what changed in between is not
 * remembered: such a build may be of neither state. */
#include "image/recall.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "fingerprint.h"
#include "image/layout.h"
#include "image/release.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY "starts"
#define LOCK_FILE "isorun.lock"

enum { RECORD_MAX = 1 << 20 };

struct record {
	struct digest build, fingerprint;
	struct strv inputs; /* see fingerprint_take */
};

static void record_done(struct record *record)
{
	strv_done(&record->inputs);
}

/* Named after the directory's path: another codebase at the same place differs in what it is. */
static char *record_name(const char *dir)
{
	CLEANUP_FREE char *path = realpath(dir, NULL);
	struct digest digest;

	if (!path)
		return NULL;
	digest_bytes(path, strlen(path), &digest);
	return memory_format("%s.json", digest.hex);
}

static int read_digest(
	const struct json_at *top, const char *key, struct digest *ret, struct error *err)
{
	struct json_at member;
	const char *text;

	if (!json_member(top, key, &member))
		return json_error(top, err, "has no \"%s\"", key);
	return json_get_str(&member, &text, err) < 0 ? -1 : digest_parse(text, ret, err);
}

static int parse(const struct buf *text, struct record *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = DIRECTORY };
	struct json_at inputs;

	if (json_parse(top.file, text->data, text->len, &value, err) < 0)
		return -1;
	top.value = value;
	if (json_is(&top, JSON_OBJECT, err) < 0 ||
		read_digest(&top, "build", &ret->build, err) < 0 ||
		read_digest(&top, "fingerprint", &ret->fingerprint, err) < 0 ||
		!json_member(&top, "inputs", &inputs))
		return -1;
	return json_get_strv(&inputs, &ret->inputs, err);
}

/* Whether the store has the image and all its layers. */
static bool is_whole(const struct store *store, const struct digest *build)
{
	CLEANUP_FREE struct layout_image *image = memory_new(1, sizeof *image);
	struct error ignored;

	if (!store_has_blob(store, build) || layout_read_image(store, build, image, &ignored) < 0 ||
		!store_has_blob(store, &image->config))
		return false;
	for (size_t i = 0; i < image->layer_count; i++)
		if (!store_has_blob(store, &image->layers[i]))
			return false;
	return true;
}

/* Whatever is wrong with a record, a build mends it. */
static bool recall(const struct store *store, const struct build_options *options, const char *name,
	struct digest *ret)
{
	__attribute__((cleanup(record_done))) struct record record = { 0 };
	CLEANUP_FREE char *path = memory_format(DIRECTORY "/%s", name);
	CLEANUP_BUF struct buf text = { 0 };
	struct digest now;
	struct error ignored;

	if (file_read_at(store->dir, path, RECORD_MAX, &text, &ignored) < 0 ||
		parse(&text, &record, &ignored) < 0 ||
		fingerprint_take(options, &record.inputs, &now, &ignored) < 0 ||
		!digest_equal(&now, &record.fingerprint) || !is_whole(store, &record.build))
		return false;
	*ret = record.build;
	return true;
}

static void list_inputs(const struct manifest *manifest, struct strv *ret)
{
	strv_add(ret, LOCK_FILE);
	for (size_t i = 0; i + 1 < manifest->files.len; i += 2)
		strv_add(ret, manifest->files.items[i + 1]);
	if (manifest->base)
		strv_add(ret, manifest->base);
}

static int write_record(
	const struct store *store, const char *name, const struct record *record, struct error *err)
{
	CLEANUP_CLOSE int dir = file_open_dir(store->dir, DIRECTORY, 0700, err);
	CLEANUP_JSON json_t *inputs = json_array();
	CLEANUP_JSON json_t *value = NULL;
	CLEANUP_BUF struct buf text = { 0 };

	if (dir < 0)
		return -1;
	for (size_t i = 0; i < record->inputs.len; i++)
		(void)json_array_append_new(inputs, json_string(record->inputs.items[i]));
	value = json_pack("{s:s, s:s, s:O}", "build", record->build.hex, "fingerprint",
		record->fingerprint.hex, "inputs", inputs);
	json_print(value, true, &text);
	return file_write_at(dir, name, 0600, text.data, text.len, err);
}

static int remember(const struct store *store, const struct build_options *options,
	const char *name, const struct digest *build, struct error *err)
{
	__attribute__((cleanup(record_done))) struct record record = { .build = *build };
	struct manifest manifest;

	if (release_manifest(store, build, &manifest, err) < 0)
		return -1;
	list_inputs(&manifest, &record.inputs);
	manifest_done(&manifest);
	if (fingerprint_take(options, &record.inputs, &record.fingerprint, err) < 0 ||
		write_record(store, name, &record, err) < 0)
		return store_error(store, err);
	return 0;
}

int recall_build(const struct store *store, const struct build_options *options, struct digest *ret,
	bool *ret_made, struct error *err)
{
	__attribute__((cleanup(build_done))) struct build build = { 0 };
	CLEANUP_FREE char *name = record_name(options->dir);
	const struct strv none = { 0 };
	struct digest before, after;

	if (!name)
		return error_errno(err, "%s", options->dir);
	if (!options->update && recall(store, options, name, ret)) {
		*ret_made = false;
		return 0;
	}
	if (fingerprint_take(options, &none, &before, err) < 0 ||
		build_codebase(store, options, &build, err) < 0 ||
		fingerprint_take(options, &none, &after, err) < 0)
		return -1;
	if (digest_equal(&before, &after) && remember(store, options, name, &build.id, err) < 0)
		return -1;
	*ret = build.id;
	*ret_made = true;
	return 0;
}
