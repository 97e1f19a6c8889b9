/* The image config of a build, as image-spec 1.1 has it. Everything in it follows from the
 * commit, the manifest and the layers: no time of building, no host.
 *
 * PORT is in the image's environment where web listens, so that other engines run the image as it
 * is; isorun's own runs set it for each instance. */
#include "build_config.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "image/layout.h"
#include "libpath.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { DATE_TEXT = 32, VERSION_DIGITS = 12 };

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort(); /* out of memory, as in base/memory, or text that was never checked */
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		abort(); /* as above */
}

static json_t *text_list(const struct strv *strv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < strv->len; i++)
		append(list, json_string(strv->items[i]));
	return list;
}

static void print_date(int64_t date, char text[DATE_TEXT])
{
	time_t seconds = (time_t)date;
	struct tm parts;

	(void)gmtime_r(&seconds, &parts); /* fails only for years beyond int */
	if (strftime(text, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		text[0] = '\0';
}

static json_t *print_env(const struct manifest *manifest, const struct process_type *web)
{
	CLEANUP_STRV struct strv env = { 0 };

	strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(&env, "LANG=C.UTF-8");
	if (web && web->port)
		strv_addf(&env, "PORT=%u", (unsigned)web->port_number);
	for (size_t i = 0; i < manifest->env_count; i++)
		if (manifest->env[i].value)
			strv_env_set(&env, manifest->env[i].key, manifest->env[i].value);
	return text_list(&env);
}

static json_t *print_labels(const struct build_config *build, const char *created)
{
	const struct source *source = build->source;
	CLEANUP_JSON json_t *manifest = manifest_print(build->manifest);
	CLEANUP_BUF struct buf text = { 0 };
	json_t *labels = json_object();

	json_print(manifest, false, &text);
	set(labels, "dev.isorun.manifest", json_string(text.data));
	set(labels, "org.opencontainers.image.title", json_string(build->manifest->name));
	if (source->commit) {
		const char *dirty = source->dirty ? "+dirty" : "";
		CLEANUP_FREE char *version =
			memory_format("%.*s%s", VERSION_DIGITS, source->commit, dirty);

		set(labels, "org.opencontainers.image.revision", json_string(source->commit));
		set(labels, "org.opencontainers.image.version", json_string(version));
	}
	if (source->tree)
		set(labels, "dev.isorun.tree", json_string(source->tree));
	if (source->remote)
		set(labels, "org.opencontainers.image.source", json_string(source->remote));
	set(labels, "org.opencontainers.image.created", json_string(created));
	return labels;
}

/* "SIGTERM", as the image-spec and every tool write it. */
static json_t *print_signal(const struct process_type *web)
{
	const char *name = sigabbrev_np(web && web->stop_signal ? web->stop_signal : SIGTERM);
	CLEANUP_FREE char *text = memory_format("SIG%s", name ? name : "TERM");

	return json_string(text);
}

static json_t *print_process(const struct build_config *build, const char *created)
{
	const struct process_type *web = manifest_process(build->manifest, "web");
	json_t *config = json_object();

	set(config, "User", json_string("1000:1000"));
	set(config, "WorkingDir", json_string("/app"));
	set(config, "Env", print_env(build->manifest, web));
	set(config, "Labels", print_labels(build, created));
	set(config, "StopSignal", print_signal(web));
	if (web)
		set(config, "Cmd", text_list(&web->argv));
	if (web && web->port) {
		CLEANUP_FREE char *port = memory_format("%u/tcp", (unsigned)web->port_number);

		set(config, "ExposedPorts", json_pack("{s:{}}", port));
	}
	return config;
}

static void print_config(const struct build_config *build, struct buf *ret)
{
	CLEANUP_JSON json_t *config = json_object();
	json_t *diff_ids = json_array();
	json_t *history = json_array();
	char created[DATE_TEXT];

	print_date(build->source->date, created);
	for (size_t i = 0; i < build->layer_count; i++) {
		CLEANUP_FREE char *id = memory_format("sha256:%s", build->layers[i].hex);

		append(diff_ids, json_string(id));
		append(history, json_pack("{s:s, s:s}", "created", created, "created_by",
					i ? "isorun build: app" : "isorun build: dependencies"));
	}
	set(config, "architecture", json_string(LIBPATH_DEBIAN));
	set(config, "os", json_string("linux"));
	set(config, "created", json_string(created));
	set(config, "config", print_process(build, created));
	set(config, "history", history);
	set(config, "rootfs", json_pack("{s:s, s:o}", "type", "layers", "diff_ids", diff_ids));
	json_print(config, false, ret);
}

int build_config_store(const struct store *store, const struct build_config *build,
	struct digest *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct digest config;

	print_config(build, &text);
	if (store_put_blob(store, text.data, text.len, &config, err) < 0)
		return error_wrap(err, "image config");
	return layout_put_image(store, &config, build->layers, build->layer_count, ret, err);
}
