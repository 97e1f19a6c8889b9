/* isorun.json: read. One function a section, in the order of the document; the checks that need two
 * sections are at the end. Printing is in manifest_print.c, process types are in process.c.
 *
 * Deliberately absent: whether what is named exists (the build finds out). */
#include "model/manifest.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "model/command.h"
#include "model/procfile.h"
#include "read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int read_packages(const struct json_at *at, struct strv *ret, struct error *err)
{
	struct json_at element;

	if (json_get_strv(at, ret, err) < 0)
		return -1;
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (name_check(NAME_PACKAGE, ret->items[i], err) < 0)
			return read_error(&element, err);
	return 0;
}

static int read_debian(
	const struct json_at *at, char **ret_suite, struct strv *ret_packages, struct error *err)
{
	static const char *const keys[] = { "suite", "packages", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "suite", &member) && read_name(&member, NAME_SUITE, ret_suite, err) < 0)
		return -1;
	if (json_member(at, "packages", &member) && read_packages(&member, ret_packages, err) < 0)
		return -1;
	return 0;
}

static int check_target(const struct json_at *member, struct error *err)
{
	struct json_at below = *member;
	CLEANUP_JSON json_t *path = json_string(member->key + 1);
	CLEANUP_FREE char *unused = NULL;

	below.value = path;
	if (member->key[0] != '/' || strncmp(member->key, "/./", 3) == 0 ||
		read_path_below(&below, &unused, err) < 0)
		return json_error(member->parent, err,
			"\"%.80s\" is not an absolute path without . and ..", member->key);
	return 0;
}

static int read_files(const struct json_at *at, struct strv *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		CLEANUP_FREE char *source = NULL;
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (check_target(&member, err) < 0 || read_path_below(&member, &source, err) < 0)
			return -1;
		strv_add(ret, key);
		strv_add(ret, source);
	}
	sort_by_name(ret->items, ret->len / 2, 2 * sizeof *ret->items);
	return 0;
}

static int read_dependencies(const struct json_at *at, struct manifest *ret, struct error *err)
{
	static const char *const keys[] = { "debian", "files", "base", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "debian", &member)) {
		if (read_debian(&member, &ret->suite, &ret->packages, err) < 0)
			return -1;
		if (!ret->suite)
			return json_error(&member, err, "has no \"suite\"");
	}
	if (json_member(at, "files", &member) && read_files(&member, &ret->files, err) < 0)
		return -1;
	if (json_member(at, "base", &member))
		return read_path_below(&member, &ret->base, err);
	return 0;
}

/* A build command is never expanded here: with variables it is the shell's, like the rest of what
 * runs in a build. */
static int read_build_command(const struct json_at *at, struct strv *ret, struct error *err)
{
	struct command command;

	if (json_is_array(at->value)) {
		if (json_get_strv(at, ret, err) < 0)
			return -1;
		if (ret->len == 0 || !ret->items[0][0])
			return json_error(at, err, "the command is empty");
		return 0;
	}
	if (!json_is_string(at->value))
		return json_error(at, err, "must be a string or an array of strings");
	if (command_parse(json_string_value(at->value), &command, err) < 0)
		return read_error(at, err);
	if (command.variables) {
		command_done(&command);
		command_shell(json_string_value(at->value), &command.argv);
	}
	*ret = command.argv;
	return 0;
}

static int read_build(const struct json_at *at, struct manifest *ret, struct error *err)
{
	static const char *const keys[] = { "debian", "command", "network", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "debian", &member)) {
		if (read_debian(&member, &ret->build_suite, &ret->build_packages, err) < 0)
			return -1;
		if (!ret->build_suite && !ret->suite)
			return json_error(&member, err, "has no \"suite\"");
		if (!ret->build_suite)
			ret->build_suite = memory_copy_str(ret->suite);
	}
	if (json_member(at, "command", &member) &&
		read_build_command(&member, &ret->build_argv, err) < 0)
		return -1;
	if (json_member(at, "network", &member))
		return json_get_bool(&member, &ret->build_network, err);
	return 0;
}

/* As in app.json: a secret nobody has to know, only to keep. */
static int read_generator(const struct json_at *at, bool *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strcmp(text, "secret") != 0)
		return json_error(at, err, "must be \"secret\"");
	*ret = true;
	return 0;
}

static int read_declaration(
	const struct json_at *at, struct env_declaration *ret, struct error *err)
{
	static const char *const keys[] = { "required", "description", "value", "generator", NULL };
	struct json_at member;
	const char *text;

	if (read_variable(at, at->key, err) < 0)
		return -1;
	ret->key = memory_copy_str(at->key);
	if (json_is_string(at->value)) {
		ret->value = memory_copy_str(json_string_value(at->value));
		return 0;
	}
	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "required", &member) && json_get_bool(&member, &ret->required, err) < 0)
		return -1;
	if (json_member(at, "generator", &member) && read_generator(&member, &ret->secret, err) < 0)
		return -1;
	if (json_member(at, "description", &member)) {
		if (json_get_str(&member, &text, err) < 0)
			return -1;
		ret->description = memory_copy_str(text);
	}
	if (json_member(at, "value", &member)) {
		if (json_get_str(&member, &text, err) < 0)
			return -1;
		ret->value = memory_copy_str(text);
	}
	return 0;
}

static int read_env(const struct json_at *at, struct manifest *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, VARIABLES_MAX, err) < 0)
		return -1;
	ret->env = memory_new(json_object_size(at->value), sizeof *ret->env);
	json_object_foreach (at->value, key, value) {
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_declaration(&member, &ret->env[ret->env_count++], err) < 0)
			return -1;
	}
	sort_by_name(ret->env, ret->env_count, sizeof *ret->env);
	return 0;
}

/* cache becomes CACHE_URL, as an add-on's variable is called elsewhere. */
static char *default_variable(const char *service)
{
	char *text = memory_format("%s_URL", service);

	for (char *c = text; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return text;
}

static int read_service(
	const struct json_at *at, struct service_declaration *ret, struct error *err)
{
	static const char *const keys[] = { "env", "required", NULL };
	struct json_at env = *at;
	const char *text;

	if (read_key(at, NAME_SERVICE, err) < 0)
		return -1;
	ret->name = memory_copy_str(at->key);
	if (!json_is_string(at->value)) {
		struct json_at required;

		if (json_keys(at, keys, err) < 0)
			return -1;
		if (json_member(at, "required", &required) &&
			json_get_bool(&required, &ret->required, err) < 0)
			return -1;
		if (!json_member(at, "env", &env)) {
			ret->env = default_variable(at->key);
			return read_variable(at, ret->env, err);
		}
	}
	if (json_get_str(&env, &text, err) < 0)
		return -1;
	ret->env = memory_copy_str(text);
	return read_variable(&env, text, err);
}

static int check_service_env(const struct json_at *at, const struct manifest *manifest,
	const struct service_declaration *service, struct error *err)
{
	for (const struct service_declaration *other = manifest->services; other < service; other++)
		if (strcmp(other->env, service->env) == 0)
			return json_error(at, err, "%s is the variable of service \"%s\" already",
				service->env, other->name);
	for (size_t i = 0; i < manifest->env_count; i++)
		if (strcmp(manifest->env[i].key, service->env) == 0)
			return json_error(at, err, "%s is in \"env\" already", service->env);
	return 0;
}

static int read_services(const struct json_at *at, struct manifest *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	ret->services = memory_new(json_object_size(at->value), sizeof *ret->services);
	json_object_foreach (at->value, key, value) {
		struct service_declaration *service = &ret->services[ret->service_count++];
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_service(&member, service, err) < 0 ||
			check_service_env(&member, ret, service, err) < 0)
			return -1;
	}
	sort_by_name(ret->services, ret->service_count, sizeof *ret->services);
	return 0;
}

static int read_procfile(const char *text, struct manifest *ret, struct error *err)
{
	struct procfile procfile;
	int result = 0;

	if (procfile_parse("Procfile", text, strlen(text), &procfile, err) < 0)
		return -1;
	ret->processes = memory_new(procfile.count, sizeof *ret->processes);
	for (size_t i = 0; i < procfile.count && result == 0; i++) {
		const struct procfile_entry *entry = &procfile.entries[i];

		result = process_from_command(
			entry->name, entry->command, &ret->processes[ret->process_count++], err);
		if (result < 0)
			error_wrap(err, "Procfile:%u", entry->line);
	}
	procfile_done(&procfile);
	sort_by_name(ret->processes, ret->process_count, sizeof *ret->processes);
	return result;
}

static int read_top(
	const struct json_at *top, const char *procfile, struct manifest *ret, struct error *err)
{
	static const char *const keys[] = { "name", "dependencies", "build", "processes", "env",
		"services", NULL };
	struct json_at member;

	if (json_keys(top, keys, err) < 0)
		return -1;
	if (!json_member(top, "name", &member))
		return json_error(top, err, "has no \"name\"");
	if (read_name(&member, NAME_APP, &ret->name, err) < 0)
		return -1;
	if (json_member(top, "dependencies", &member) && read_dependencies(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "build", &member) && read_build(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "env", &member) && read_env(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "services", &member) && read_services(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "processes", &member))
		return read_processes(&member, &ret->processes, &ret->process_count, err);
	if (procfile)
		return read_procfile(procfile, ret, err);
	json_error(top, err, "has no \"processes\", and there is no Procfile");
	return error_hint(
		err, "\"processes\": { \"web\": { \"command\": \"…\", \"port\": true } }");
}

int manifest_parse(const char *file, const char *text, size_t len, const char *procfile,
	struct manifest *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct manifest manifest = { 0 };
	struct json_at top = { .file = file, .text = text };

	if (json_parse(file, text, len, &value, err) < 0)
		return -1;
	top.value = value;
	if (read_top(&top, procfile, &manifest, err) < 0) {
		manifest_done(&manifest);
		return -1;
	}
	*ret = manifest;
	return 0;
}
