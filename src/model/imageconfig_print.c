/* OCI image configs: printed canonically, and their labels and memory. */
#include "model/imageconfig.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "model/signal.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

static json_t *print_set(const struct strv *strv)
{
	json_t *object = json_object();

	for (size_t i = 0; i < strv->len; i++)
		json_object_set_new(object, strv->items[i], json_object());
	return object;
}

static json_t *print_labels(const struct strv *labels)
{
	json_t *object = json_object();

	for (size_t i = 0; i + 1 < labels->len; i += 2)
		json_object_set_new(object, labels->items[i], json_string(labels->items[i + 1]));
	return object;
}

/* Sets what is said; an empty list or object is as good as none, and left out. */
static void set(json_t *object, const char *key, json_t *value, bool said)
{
	if (said)
		json_object_set_new(object, key, value);
	else
		json_decref(value);
}

static json_t *print_process_part(const struct imageconfig *config)
{
	json_t *object = json_object();
	char signo[SIGNAL_TEXT];

	set(object, "Env", print_strv(&config->env), config->env.len > 0);
	set(object, "Entrypoint", print_strv(&config->entrypoint), config->entrypoint.len > 0);
	set(object, "Cmd", print_strv(&config->cmd), config->cmd.len > 0);
	set(object, "ExposedPorts", print_set(&config->exposed_ports),
		config->exposed_ports.len > 0);
	set(object, "Volumes", print_set(&config->volumes), config->volumes.len > 0);
	set(object, "Labels", print_labels(&config->labels), config->labels.len > 0);
	if (config->cwd)
		json_object_set_new(object, "WorkingDir", json_string(config->cwd));
	if (config->user)
		json_object_set_new(object, "User", json_string(config->user));
	if (config->stop_signal) {
		signal_print(config->stop_signal, signo);
		json_object_set_new(object, "StopSignal", json_string(signo));
	}
	return object;
}

void imageconfig_print(const struct imageconfig *config, struct buf *ret)
{
	json_t *diff_ids = json_array();
	CLEANUP_JSON json_t *top = json_pack("{s:s, s:s, s:o, s:{s:s, s:o}}", "os", "linux",
		"architecture", config->architecture, "config", print_process_part(config),
		"rootfs", "type", "layers", "diff_ids", diff_ids);

	for (size_t i = 0; i < config->diff_id_count; i++)
		json_array_append_new(diff_ids, json_sprintf("sha256:%s", config->diff_ids[i].hex));
	if (config->created)
		json_object_set_new(top, "created", json_string(config->created));
	if (config->history)
		json_object_set(top, "history", config->history);
	json_print(top, false, ret);
}

/* The index of a label's key, or labels.len. */
static size_t find(const struct imageconfig *config, const char *key)
{
	size_t i = 0;

	while (i < config->labels.len && strcmp(config->labels.items[i], key) != 0)
		i += 2;
	return i;
}

const char *imageconfig_label(const struct imageconfig *config, const char *key)
{
	size_t i = find(config, key);

	return i < config->labels.len ? config->labels.items[i + 1] : NULL;
}

void imageconfig_set_label(struct imageconfig *config, const char *key, const char *value)
{
	struct strv labels = { 0 };
	size_t old = find(config, key);

	for (size_t i = 0; i < config->labels.len; i++)
		if (i != old && i != old + 1)
			strv_add(&labels, config->labels.items[i]);
	if (value) {
		strv_add(&labels, key);
		strv_add(&labels, value);
		sort_by_name(labels.items, labels.len / 2, 2 * sizeof *labels.items);
	}
	strv_done(&config->labels);
	config->labels = labels;
}

void imageconfig_done(struct imageconfig *config)
{
	free(config->architecture);
	free(config->created);
	strv_done(&config->env);
	strv_done(&config->entrypoint);
	strv_done(&config->cmd);
	free(config->cwd);
	free(config->user);
	strv_done(&config->exposed_ports);
	strv_done(&config->volumes);
	strv_done(&config->labels);
	free(config->diff_ids);
	json_decref(config->history);
	*config = (struct imageconfig){ 0 };
}
