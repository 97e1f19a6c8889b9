/* A manifest printed with everything resolved, so that a build's label needs neither a Procfile nor
 * the defaults of this isorun's version. */
#include "model/manifest.h"

#include "read.h"

#include <stdlib.h>
#include <string.h>

static json_t *print_dependencies(const struct manifest *manifest)
{
	json_t *object = json_object();

	if (manifest->suite)
		json_object_set_new(object, "debian",
			json_pack("{s:s, s:o}", "suite", manifest->suite, "packages",
				print_strv(&manifest->packages)));
	if (manifest->files.len > 0) {
		json_t *files = json_object();

		for (size_t i = 0; i + 1 < manifest->files.len; i += 2)
			json_object_set_new(files, manifest->files.items[i],
				json_string(manifest->files.items[i + 1]));
		json_object_set_new(object, "files", files);
	}
	if (manifest->base)
		json_object_set_new(object, "base", json_string(manifest->base));
	return object;
}

static json_t *print_build(const struct manifest *manifest)
{
	json_t *object = json_pack("{s:b}", "network", (int)manifest->build_network);

	if (manifest->build_suite)
		json_object_set_new(object, "debian",
			json_pack("{s:s, s:o}", "suite", manifest->build_suite, "packages",
				print_strv(&manifest->build_packages)));
	if (manifest->build_argv.len > 0)
		json_object_set_new(object, "command", print_strv(&manifest->build_argv));
	return object;
}

static json_t *print_declarations(const struct manifest *manifest)
{
	json_t *object = json_object();

	for (size_t i = 0; i < manifest->env_count; i++) {
		const struct env_declaration *env = &manifest->env[i];

		json_object_set_new(object, env->key,
			json_pack("{s:b, s:s*, s:s*, s:s*}", "required", (int)env->required,
				"value", env->value, "description", env->description, "generator",
				env->secret ? "secret" : NULL));
	}
	return object;
}

static json_t *print_services(const struct manifest *manifest)
{
	json_t *object = json_object();

	for (size_t i = 0; i < manifest->service_count; i++) {
		const struct service_declaration *service = &manifest->services[i];

		json_object_set_new(object, service->name,
			json_pack("{s:s, s:b}", "env", service->env, "required",
				(int)service->required));
	}
	return object;
}

json_t *manifest_print(const struct manifest *manifest)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "name", manifest->name, "dependencies",
		print_dependencies(manifest), "build", print_build(manifest), "processes",
		print_processes(manifest->processes, manifest->process_count), "env",
		print_declarations(manifest), "services", print_services(manifest));
}

const struct process_type *manifest_process(const struct manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->process_count; i++)
		if (strcmp(manifest->processes[i].name, name) == 0)
			return &manifest->processes[i];
	return NULL;
}

void manifest_done(struct manifest *manifest)
{
	free(manifest->name);
	free(manifest->suite);
	strv_done(&manifest->packages);
	free(manifest->base);
	strv_done(&manifest->files);
	free(manifest->build_suite);
	strv_done(&manifest->build_packages);
	strv_done(&manifest->build_argv);
	for (size_t i = 0; i < manifest->process_count; i++)
		process_type_done(&manifest->processes[i]);
	free(manifest->processes);
	for (size_t i = 0; i < manifest->env_count; i++) {
		free(manifest->env[i].key);
		free(manifest->env[i].value);
		free(manifest->env[i].description);
	}
	free(manifest->env);
	for (size_t i = 0; i < manifest->service_count; i++) {
		free(manifest->services[i].name);
		free(manifest->services[i].env);
	}
	free(manifest->services);
	*manifest = (struct manifest){ 0 };
}
