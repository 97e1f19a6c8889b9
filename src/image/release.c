/* Releases: a build's image with the deploy's environment in its config and everything decided in
 * a label. The same text stands in releases/HEX.json, written last, so that a run reads one small
 * file and a release that has it is whole.
 *
 * Deliberately absent: joining itself (model/release), ledgers and their numbers (cli), images made
 * by others. */
#include "image/release.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/layout.h"

#include "image.h"
#include "store/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static void release_name(const struct digest *id, char name[96])
{
	(void)snprintf(name, 96, "releases/%s.json", id->hex); /* always fits */
}

static bool has_release(const struct store *store, const struct digest *id)
{
	struct stat status;
	char name[96];

	release_name(id, name);
	return fstatat(store->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Writes releases/HEX.json, unless it is there. */
static int put_release(
	const struct store *store, const struct digest *id, const char *text, struct error *err)
{
	CLEANUP_CLOSE int dir = -1;
	CLEANUP_FREE char *name = memory_format("%s.json", id->hex);

	if (has_release(store, id))
		return 0;
	dir = openat(store->dir, "releases", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0) {
		error_errno(err, "open releases");
		return store_error(store, err);
	}
	if (file_write_at(dir, name, 0600, text, strlen(text), err) < 0)
		return store_error(store, err);
	return 0;
}

/* Everything that can be wrong in an image of ours, before it appears in the store. */
static int check_image(
	void *context, const struct layout_image *image, const struct buf *text, struct error *err)
{
	__attribute__((cleanup(imageconfig_done))) struct imageconfig config = { 0 };
	struct release release;
	struct manifest manifest;
	enum image_kind *ret = context;

	if (image_parse_config(text, image, &config, err) < 0 ||
		image_check_kind(&config, ret, err) < 0 ||
		image_parse_manifest(&config, &manifest, err) < 0)
		return -1;
	manifest_done(&manifest);
	if (*ret == IMAGE_BUILD)
		return 0;
	if (image_parse_release(&config, image, &release, err) < 0)
		return -1;
	release_done(&release);
	return 0;
}

int release_kind(
	const struct store *store, const struct digest *id, enum image_kind *ret, struct error *err)
{
	CLEANUP_IMAGE struct image *image = NULL;

	if (has_release(store, id)) {
		*ret = IMAGE_RELEASE;
		return 0;
	}
	image = image_read(store, id, err);
	return image ? image_check_kind(&image->config, ret, err) : -1;
}

int release_import(const struct store *store, int fd, const char *name, enum image_kind *ret_kind,
	struct digest *ret, struct error *err)
{
	enum image_kind kind = IMAGE_BUILD;
	const struct layout_source source = {
		.fd = fd, .name = name, .check = check_image, .context = &kind
	};
	struct digest id;
	bool known;

	if (layout_import(store, &source, &id, &known, err) < 0)
		return -1;
	if (known && release_kind(store, &id, &kind, err) < 0)
		return error_wrap(err, "%s", name);
	*ret_kind = kind;
	*ret = id;
	return 0;
}

static void set_origin(
	struct release *release, const struct digest *build, const struct image *image)
{
	const char *revision =
		imageconfig_label(&image->config, "org.opencontainers.image.revision");

	release->build = *build;
	release->commit = memory_copy_str(revision); /* with "+dirty" where it is */
	release->layer_count = image->layout.layer_count;
	release->layers = memory_new(release->layer_count, sizeof *release->layers);
	for (size_t i = 0; i < release->layer_count; i++)
		release->layers[i] = image->layout.layers[i];
}

/* Puts the release's image and its text into the store and sets its id. */
static int put_image(
	const struct store *store, struct image *image, struct release *release, struct error *err)
{
	CLEANUP_JSON json_t *value = release_print(release);
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_BUF struct buf config = { 0 };
	struct digest config_digest;
	struct digest id;

	json_print(value, false, &text);
	imageconfig_set_label(&image->config, IMAGECONFIG_RELEASE, text.data);
	strv_done(&image->config.env);
	strv_add_all(&image->config.env, &release->env);
	imageconfig_print(&image->config, &config);
	if (config.len > LAYOUT_CONFIG_MAX)
		return error_set(err, ERROR_CONFIG, "release: its environment is too large");
	if (store_put_blob(store, config.data, config.len, &config_digest, err) < 0 ||
		layout_put_image(store, &config_digest, image->layout.layers,
			image->layout.layer_count, &id, err) < 0 ||
		put_release(store, &id, text.data, err) < 0)
		return -1;
	release->id = id;
	return 0;
}

int release_manifest(const struct store *store, const struct digest *build, struct manifest *ret,
	struct error *err)
{
	CLEANUP_IMAGE struct image *image = image_read(store, build, err);
	enum image_kind kind;

	if (!image || image_check_kind(&image->config, &kind, err) < 0 ||
		image_parse_manifest(&image->config, ret, err) < 0)
		return -1;
	return 0;
}

int release_make(const struct store *store, const struct digest *build, const struct config *config,
	struct release *ret, struct error *err)
{
	CLEANUP_IMAGE struct image *image = image_read(store, build, err);
	struct manifest manifest;
	struct release release;
	enum image_kind kind = IMAGE_BUILD;
	int result;

	if (!image || image_check_kind(&image->config, &kind, err) < 0)
		return -1;
	if (kind == IMAGE_RELEASE)
		return error_set(
			err, ERROR_USAGE, "this is a release already; release takes a build");
	if (image_parse_manifest(&image->config, &manifest, err) < 0)
		return error_wrap(err, "build %.*s", DIGEST_SHORT, build->hex);
	result = release_join(&manifest, config, &image->config.env, &release, err);
	manifest_done(&manifest);
	if (result < 0)
		return -1;
	set_origin(&release, build, image);
	if (put_image(store, image, &release, err) < 0) {
		release_done(&release);
		return -1;
	}
	*ret = release;
	return 0;
}

/* From the image, when releases/HEX.json is not there: an import has just brought it. */
static int load_image(
	const struct store *store, const struct digest *id, struct release *ret, struct error *err)
{
	CLEANUP_IMAGE struct image *image = NULL;
	struct release release;
	const char *text;

	if (!store_has_blob(store, id))
		return error_set(err, ERROR_NO_SUCH, "release %.*s is not in the store %s",
			DIGEST_SHORT, id->hex, store->path);
	image = image_read(store, id, err);
	if (!image)
		return -1;
	text = imageconfig_label(&image->config, IMAGECONFIG_RELEASE);
	if (!text)
		return error_set(
			err, ERROR_NO_SUCH, "image %.*s is not a release", DIGEST_SHORT, id->hex);
	if (image_parse_release(&image->config, &image->layout, &release, err) < 0)
		return error_wrap(err, "release %.*s", DIGEST_SHORT, id->hex);
	if (put_release(store, id, text, err) < 0) {
		release_done(&release);
		return -1;
	}
	*ret = release;
	return 0;
}

int release_load(
	const struct store *store, const struct digest *id, struct release *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct release release;
	char name[96];

	release_name(id, name);
	if (!has_release(store, id)) {
		if (load_image(store, id, &release, err) < 0)
			return -1;
	} else if (file_read_at(store->dir, name, LAYOUT_CONFIG_MAX, &text, err) < 0 ||
		   release_parse(name, text.data, text.len, &release, err) < 0) {
		(void)image_integrity(err);
		return store_error(store, err);
	}
	release.id = *id;
	*ret = release;
	return 0;
}

/* RFC 3339 as builds write it; of another form: 1970. */
static int64_t date_of(const struct imageconfig *config)
{
	struct tm parts = { 0 };

	if (!config->created || !strptime(config->created, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return 0;
	return timegm(&parts);
}

int release_write(const struct store *store, const struct release *release, const char *path,
	struct error *err)
{
	CLEANUP_IMAGE struct image *image = image_read(store, &release->id, err);
	CLEANUP_FREE char *ref = memory_format(
		"%s:%s-%.*s", release->app, release->deploy, DIGEST_SHORT, release->id.hex);
	struct layout_options options = { .mode = 0600, .ref = ref };

	if (!image)
		return -1;
	options.date = date_of(&image->config);
	return layout_write(store, &release->id, &options, path, err);
}

/* Whether the text that runs read is the image's. */
static int verify_text(
	const struct store *store, const struct digest *id, const char *wanted, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	char name[96];

	release_name(id, name);
	if (!has_release(store, id))
		return 0; /* the next run takes it from the image */
	if (file_read_at(store->dir, name, LAYOUT_CONFIG_MAX, &text, err) < 0)
		return store_error(store, err);
	if (strlen(wanted) == text.len && strcmp(wanted, text.data) == 0)
		return 0;
	error_set(err, ERROR_INTEGRITY, "%s: it is not what the image says", name);
	return store_error(store, err);
}

int release_verify(const struct store *store, const struct digest *id, struct error *err)
{
	CLEANUP_IMAGE struct image *image = image_read(store, id, err);
	struct release release;
	const char *text;

	if (!image)
		return -1;
	text = imageconfig_label(&image->config, IMAGECONFIG_RELEASE);
	if (!text)
		return error_set(
			err, ERROR_NO_SUCH, "image %.*s is not a release", DIGEST_SHORT, id->hex);
	if (image_parse_release(&image->config, &image->layout, &release, err) < 0)
		return error_wrap(err, "release %.*s", DIGEST_SHORT, id->hex);
	release_done(&release);
	if (verify_text(store, id, text, err) < 0)
		return -1;
	for (size_t i = 0; i < image->layout.layer_count; i++)
		if (tree_verify(store, &image->layout.layers[i], err) < 0)
			return store_error(store, err);
	return 0;
}
