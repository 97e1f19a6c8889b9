/* Image configs read and rewritten. What a release does not change is carried over untouched, so
 * that other tools see the build's image with the deploy's environment.
 *
 * Deliberately absent: making a build's config (document.c), and images without our labels. */
#include "imageconfig.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <string.h>
#include <time.h>

/* 1, 0 where it is absent or null, -1 where it is no string. */
static int get_text(
	const struct json_at *object, const char *key, const char **ret, struct error *err)
{
	struct json_at member;

	if (!json_member(object, key, &member) || json_is_null(member.value))
		return 0;
	return json_get_str(&member, ret, err) < 0 ? -1 : 1;
}

/* 1, 0 where it is absent or null, -1 where it is of another type. */
static int get_member(const struct json_at *object, const char *key, json_type type,
	struct json_at *ret, struct error *err)
{
	struct json_at member;

	if (!json_member(object, key, &member) || json_is_null(member.value))
		return 0;
	if (json_is(&member, type, err) < 0)
		return -1;
	*ret = member;
	return 1;
}

static int read_labels(const struct json_at *labels, struct imageconfig *ret, struct error *err)
{
	const char *version = NULL;
	const char *suffix;

	if (get_text(labels, "dev.isorun.manifest", &ret->manifest, err) < 0 ||
		get_text(labels, "dev.isorun.release", &ret->release, err) < 0 ||
		get_text(labels, "org.opencontainers.image.revision", &ret->revision, err) < 0 ||
		get_text(labels, "org.opencontainers.image.version", &version, err) < 0)
		return -1;
	suffix = version ? strrchr(version, '+') : NULL;
	ret->dirty = suffix && strcmp(suffix, "+dirty") == 0;
	return 0;
}

static int read_process(const struct json_at *top, struct imageconfig *ret, struct error *err)
{
	struct json_at config;
	struct json_at env;
	struct json_at labels;
	int there = get_member(top, "config", JSON_OBJECT, &config, err);

	if (there <= 0)
		return there;
	there = get_member(&config, "Env", JSON_ARRAY, &env, err);
	if (there < 0 || (there && json_get_strv(&env, &ret->env, err) < 0))
		return -1;
	there = get_member(&config, "Labels", JSON_OBJECT, &labels, err);
	return there > 0 ? read_labels(&labels, ret, err) : there;
}

static int read_created(const struct json_at *top, struct imageconfig *ret, struct error *err)
{
	const char *text = NULL;
	struct tm parts = { 0 };

	if (get_text(top, "created", &text, err) < 0)
		return -1;
	/* RFC 3339; a fraction or a zone other than Z is nothing that a build of ours has. */
	if (text && strptime(text, "%Y-%m-%dT%H:%M:%S", &parts))
		ret->date = timegm(&parts);
	return 0;
}

static int check_diff_ids(
	const struct json_at *top, const struct layout_image *image, struct error *err)
{
	struct json_at rootfs;
	struct json_at ids;
	struct json_at id;
	const char *text;
	size_t i;

	if (get_member(top, "rootfs", JSON_OBJECT, &rootfs, err) <= 0 ||
		get_member(&rootfs, "diff_ids", JSON_ARRAY, &ids, err) <= 0)
		return error_set(err, ERROR_INTEGRITY, "config: no list of diff_ids");
	for (i = 0; json_element(&ids, i, &id); i++) {
		if (json_get_str(&id, &text, err) < 0)
			return -1;
		if (i >= image->layer_count || strncmp(text, "sha256:", 7) != 0 ||
			strcmp(text + 7, image->layers[i].hex) != 0)
			return json_error(&id, err, "is not the digest of its layer");
	}
	if (i != image->layer_count)
		return json_error(
			&ids, err, "has %zu layers instead of %zu", i, image->layer_count);
	return 0;
}

int imageconfig_parse(const struct buf *text, const struct layout_image *image,
	struct imageconfig *ret, struct error *err)
{
	struct imageconfig config = { 0 };
	struct json_at top = { .file = "config", .text = text->data };

	if (json_parse(top.file, text->data, text->len, &config.value, err) < 0) {
		err->kind = ERROR_INTEGRITY;
		return -1;
	}
	top.value = config.value;
	if (json_is(&top, JSON_OBJECT, err) < 0 || check_diff_ids(&top, image, err) < 0 ||
		read_process(&top, &config, err) < 0 || read_created(&top, &config, err) < 0) {
		imageconfig_done(&config);
		err->kind = ERROR_INTEGRITY;
		return -1;
	}
	*ret = config;
	return 0;
}

void imageconfig_print_release(const struct imageconfig *config, const struct strv *env,
	const char *release, struct buf *ret)
{
	CLEANUP_JSON json_t *value = json_deep_copy(config->value);
	json_t *process = json_object_get(value, "config");
	json_t *list = json_array();

	for (size_t i = 0; i < env->len; i++)
		(void)json_array_append_new(list, json_string(env->items[i])); /* checked UTF-8 */
	(void)json_object_set_new(process, "Env", list); /* fails only without memory */
	(void)json_object_set_new(json_object_get(process, "Labels"), "dev.isorun.release",
		json_string(release)); /* as above */
	json_print(value, false, ret);
}

void imageconfig_done(struct imageconfig *config)
{
	json_decref(config->value);
	strv_done(&config->env);
	*config = (struct imageconfig){ 0 };
}
