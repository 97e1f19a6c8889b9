/* A release as JSON. Reading trusts nothing: the text may come from a stranger's archive, and what
 * it says ends up in paths, cgroups, host names and the kernel. */
#include "model/release.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "config_set.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, LAYERS_MAX = 128, ID_MAX = 65534 };

static json_t *print_env(const struct strv *env)
{
	json_t *object = json_object();

	for (size_t i = 0; i < env->len; i++) {
		char *key = memory_copy_str(env->items[i]);
		char *equals = strchr(key, '=');

		*equals = '\0'; /* every item has one: join and read see to it */
		json_object_set_new(object, key, json_string(equals + 1));
		free(key);
	}
	return object;
}

static json_t *print_ports(const struct release *release)
{
	json_t *object = json_object();

	for (size_t i = 0; i < release->port_count; i++) {
		const struct config_port *port = &release->ports[i];
		json_t *array = json_object_get(object, port->process);

		if (!array) {
			array = json_array();
			json_object_set_new(object, port->process, array);
		}
		json_array_append_new(
			array, json_sprintf("%s:%u", port->address, (unsigned)port->port));
	}
	return object;
}

static json_t *print_layers(const struct release *release)
{
	json_t *array = json_array();

	for (size_t i = 0; i < release->layer_count; i++)
		json_array_append_new(array, json_sprintf("sha256:%s", release->layers[i].hex));
	return array;
}

json_t *release_print(const struct release *release)
{
	static const char *const egress[] = EGRESS_NAMES;
	json_t *logs = json_pack("{s:o}", "drains", print_strv(&release->drains));
	json_t *object = json_pack("{s:i, s:s, s:s, s:s*, s:o, s:o, s:o, s:s, s:I, s:I}", "version",
		FORMAT, "app", release->app, "deploy", release->deploy, "commit", release->commit,
		"layers", print_layers(release), "env", print_env(&release->env), "services",
		print_env(&release->services), "cwd", release->cwd, "uid", (json_int_t)release->uid,
		"gid", (json_int_t)release->gid);

	if (release->log_format)
		json_object_set_new(logs, "format", json_string(release->log_format));
	if (release->build.hex[0])
		json_object_set_new(object, "build", json_sprintf("sha256:%s", release->build.hex));
	json_object_set_new(
		object, "processes", print_processes(release->processes, release->process_count));
	json_object_set_new(object, "ports", print_ports(release));
	json_object_set_new(object, "egress", json_string(egress[release->egress]));
	json_object_set_new(object, "logs", logs);
	return object;
}

static int read_digest(const struct json_at *at, struct digest *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strncmp(text, "sha256:", 7) != 0 || digest_parse(text, ret, err) < 0)
		return json_error(at, err, "\"%.80s\" is not a SHA-256 digest", text);
	return 0;
}

static int read_layers(const struct json_at *at, struct release *ret, struct error *err)
{
	struct json_at element;

	if (json_is(at, JSON_ARRAY, err) < 0)
		return -1;
	if (json_array_size(at->value) > LAYERS_MAX)
		return json_error(at, err, "has more than %d layers", (int)LAYERS_MAX);
	ret->layers = memory_new(json_array_size(at->value), sizeof *ret->layers);
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (read_digest(&element, &ret->layers[ret->layer_count++], err) < 0)
			return -1;
	return 0;
}

/* A full hash of SHA-1 or SHA-256, with "+dirty" where so. */
static int read_commit(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;
	size_t len;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	len = strspn(text, "0123456789abcdef");
	if ((len != 40 && len != 64) || (text[len] && strcmp(text + len, "+dirty") != 0))
		return json_error(at, err, "\"%.80s\" is not a commit", text);
	*ret = memory_copy_str(text);
	return 0;
}

static int read_env(const struct json_at *at, struct strv *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, VARIABLES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		const char *text;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (!*key || strchr(key, '='))
			return json_error(at, err, "\"%.40s\" is not a variable name", key);
		if (json_get_str(&member, &text, err) < 0)
			return -1;
		strv_addf(ret, "%s=%s", key, text);
	}
	strv_sort(ret);
	return 0;
}

static int read_services(const struct json_at *at, struct release *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		const char *text;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_key(&member, NAME_SERVICE, err) < 0 ||
			json_get_str(&member, &text, err) < 0 ||
			read_variable(&member, text, err) < 0)
			return -1;
		if (!strv_env_get(&ret->env, text))
			return json_error(&member, err, "%s is not in \"env\"", text);
		strv_addf(&ret->services, "%s=%s", key, text);
	}
	strv_sort(&ret->services);
	return 0;
}

static int read_cwd(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (text[0] != '/' || strlen(text) >= 4096)
		return json_error(at, err, "must be an absolute path");
	*ret = memory_copy_str(text);
	return 0;
}

static int read_id(const struct json_at *at, uint32_t *ret, struct error *err)
{
	int64_t id;

	if (json_get_int(at, 0, ID_MAX, &id, err) < 0)
		return -1;
	*ret = (uint32_t)id;
	return 0;
}

/* Ports as in config.json; moved out of a config that exists only for that. */
static int read_ports(const struct json_at *at, struct release *ret, struct error *err)
{
	struct config config = { 0 };
	const char *key;
	json_t *value;
	int result = json_is(at, JSON_OBJECT, err);

	if (result < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		const struct process_type *type = release_process(ret, key);
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (!type || !type->port)
			result = json_error(at, err, "\"%.63s\" has no port to publish", key);
		else
			result = read_process_ports(&member, key, &config, err);
		if (result < 0)
			break;
	}
	ret->ports = STEAL(config.ports);
	ret->port_count = config.port_count;
	config.port_count = 0;
	config_done(&config);
	sort_ports(ret->ports, ret->port_count);
	return result < 0 ? -1 : 0;
}

static int check_version(const struct json_at *top, struct error *err)
{
	struct json_at member;
	int64_t version;

	if (!json_member(top, "version", &member))
		return json_error(top, err, "has no \"version\"");
	if (json_get_int(&member, 1, INT64_MAX, &version, err) < 0)
		return -1;
	if (version == FORMAT)
		return 0;
	json_error(&member, err, "is %lld, this isorun reads %d", (long long)version, (int)FORMAT);
	return error_hint(err, "a newer isorun made it");
}

static int require(
	const struct json_at *top, const char *key, struct json_at *ret, struct error *err)
{
	if (json_member(top, key, ret))
		return 0;
	return json_error(top, err, "has no \"%s\"", key);
}

static int read_identity(const struct json_at *top, struct release *ret, struct error *err)
{
	struct json_at member;

	if (require(top, "app", &member, err) < 0 ||
		read_name(&member, NAME_APP, &ret->app, err) < 0)
		return -1;
	if (require(top, "deploy", &member, err) < 0 ||
		read_name(&member, NAME_DEPLOY, &ret->deploy, err) < 0)
		return -1;
	if (json_member(top, "build", &member) && read_digest(&member, &ret->build, err) < 0)
		return -1;
	if (json_member(top, "commit", &member) && read_commit(&member, &ret->commit, err) < 0)
		return -1;
	if (require(top, "layers", &member, err) < 0)
		return -1;
	return read_layers(&member, ret, err);
}

static int read_surroundings(const struct json_at *top, struct release *ret, struct error *err)
{
	struct json_at member;

	if (require(top, "env", &member, err) < 0 || read_env(&member, &ret->env, err) < 0)
		return -1;
	if (json_member(top, "services", &member) && read_services(&member, ret, err) < 0)
		return -1;
	if (require(top, "cwd", &member, err) < 0 || read_cwd(&member, &ret->cwd, err) < 0)
		return -1;
	if (require(top, "uid", &member, err) < 0 || read_id(&member, &ret->uid, err) < 0)
		return -1;
	if (require(top, "gid", &member, err) < 0)
		return -1;
	return read_id(&member, &ret->gid, err);
}

static int read_top(const struct json_at *top, struct release *ret, struct error *err)
{
	static const char *const keys[] = { "version", "app", "deploy", "build", "commit", "layers",
		"env", "services", "cwd", "uid", "gid", "processes", "ports", "egress", "logs",
		NULL };
	struct json_at member;

	if (json_is(top, JSON_OBJECT, err) < 0 || check_version(top, err) < 0 ||
		json_keys(top, keys, err) < 0)
		return -1;
	if (read_identity(top, ret, err) < 0 || read_surroundings(top, ret, err) < 0)
		return -1;
	if (require(top, "processes", &member, err) < 0 ||
		read_processes(&member, &ret->processes, &ret->process_count, err) < 0)
		return -1;
	if (count_instances(ret->processes, ret->process_count) > INSTANCES_MAX)
		return json_error(&member, err, "more than %d instances", (int)INSTANCES_MAX);
	if (json_member(top, "ports", &member) && read_ports(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "egress", &member) && read_egress(&member, &ret->egress, err) < 0)
		return -1;
	if (json_member(top, "logs", &member))
		return read_logs(&member, &ret->log_format, &ret->drains, err);
	return 0;
}

int release_parse(
	const char *file, const char *text, size_t len, struct release *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct release release = { 0 };
	struct json_at top = { .file = file, .text = text };

	if (json_parse(file, text, len, &value, err) < 0)
		return -1;
	top.value = value;
	if (read_top(&top, &release, err) < 0) {
		release_done(&release);
		return -1;
	}
	*ret = release;
	return 0;
}

const struct process_type *release_process(const struct release *release, const char *name)
{
	for (size_t i = 0; i < release->process_count; i++)
		if (strcmp(release->processes[i].name, name) == 0)
			return &release->processes[i];
	return NULL;
}

void release_done(struct release *release)
{
	free(release->app);
	free(release->deploy);
	free(release->commit);
	free(release->layers);
	strv_done(&release->env);
	strv_done(&release->services);
	free(release->cwd);
	for (size_t i = 0; i < release->process_count; i++)
		process_type_done(&release->processes[i]);
	free(release->processes);
	for (size_t i = 0; i < release->port_count; i++) {
		free(release->ports[i].process);
		free(release->ports[i].address);
	}
	free(release->ports);
	free(release->log_format);
	strv_done(&release->drains);
	*release = (struct release){ 0 };
}
