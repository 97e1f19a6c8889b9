/* Build + config = release: everything that can be decided is decided here, once, so that a run
 * resolves nothing. Later wins: image Env, the manifest's defaults, config, attached services. */
#include "model/release.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "config_set.h"
#include "model/service.h"
#include "read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUBLISHED_PORT = 5000 };

static int fail(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct error *err, const char *fmt, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	va_end(args);
	return error_set(err, ERROR_CONFIG, "release: %s", text);
}

static int fail_unknown_process(
	const struct manifest *manifest, const char *where, const char *name, struct error *err)
{
	struct buf known = { 0 };

	for (size_t i = 0; i < manifest->process_count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", manifest->processes[i].name);
	fail(err, "%s: the app has no process type \"%s\"", where, name);
	if (known.len > 0)
		error_hint(err, "it has: %s", known.data);
	buf_done(&known);
	return -1;
}

static struct process_type *find_type(struct release *release, const char *name)
{
	return (struct process_type *)release_process(release, name);
}

static void copy_type(const struct process_type *from, struct process_type *ret)
{
	*ret = *from;
	ret->name = memory_copy_str(from->name);
	ret->command = memory_copy_str(from->command);
	ret->ready_path = memory_copy_str(from->ready_path);
	ret->argv = (struct strv){ 0 };
	strv_add_all(&ret->argv, &from->argv);
	ret->seccomp_allow = (struct strv){ 0 };
	strv_add_all(&ret->seccomp_allow, &from->seccomp_allow);
}

static void copy_types(const struct manifest *manifest, struct release *ret)
{
	ret->processes = memory_new(manifest->process_count, sizeof *ret->processes);
	ret->process_count = manifest->process_count;
	for (size_t i = 0; i < manifest->process_count; i++)
		copy_type(&manifest->processes[i], &ret->processes[i]);
}

static int join_formation(const struct manifest *manifest, const struct config *config,
	struct release *ret, struct error *err)
{
	for (size_t i = 0; i < config->formation_count; i++) {
		const struct config_quantity *entry = &config->formation[i];
		struct process_type *type = find_type(ret, entry->process);

		if (!type)
			return fail_unknown_process(manifest, "formation", entry->process, err);
		if (entry->quantity > 0 && strcmp(type->name, "release") == 0)
			return fail(err, "formation: the release phase is never scaled");
		type->quantity = entry->quantity;
	}
	if (count_instances(ret->processes, ret->process_count) > INSTANCES_MAX)
		return fail(err, "formation: more than %d instances", (int)INSTANCES_MAX);
	return 0;
}

static int join_limits(const struct manifest *manifest, const struct config *config,
	struct release *ret, struct error *err)
{
	for (size_t i = 0; i < config->limit_count; i++) {
		const struct limits *said = &config->limits[i].limits;
		struct process_type *type = find_type(ret, config->limits[i].process);

		if (!type)
			return fail_unknown_process(
				manifest, "limits", config->limits[i].process, err);
		if (said->memory)
			type->limits.memory = said->memory;
		if (said->cpu_milli)
			type->limits.cpu_milli = said->cpu_milli;
		if (said->pids)
			type->limits.pids = said->pids;
		if (said->tmp)
			type->limits.tmp = said->tmp;
	}
	return 0;
}

static void publish(struct release *ret, const char *process, const char *address, uint16_t number)
{
	ret->ports = memory_resize(ret->ports, ret->port_count + 1, sizeof *ret->ports);
	ret->ports[ret->port_count++] = (struct config_port){
		.process = memory_copy_str(process),
		.address = memory_copy_str(address),
		.port = number,
	};
}

static int join_ports(const struct manifest *manifest, const struct config *config,
	struct release *ret, struct error *err)
{
	const struct process_type *web = release_process(ret, "web");

	if (!config->ports_said && web && web->port)
		publish(ret, "web", "127.0.0.1", PUBLISHED_PORT);
	for (size_t i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];
		const struct process_type *type = release_process(ret, port->process);

		if (!type)
			return fail_unknown_process(manifest, "ports", port->process, err);
		if (!type->port) {
			fail(err, "ports: process type \"%s\" has no port", port->process);
			return error_hint(err, "say \"port\": true in the manifest");
		}
		publish(ret, port->process, port->address, port->port);
	}
	sort_ports(ret->ports, ret->port_count);
	return 0;
}

static int check_ports(const struct release *release, struct error *err)
{
	for (size_t i = 0; i < release->port_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct config_port *a = &release->ports[j], *b = &release->ports[i];

			if (a->port == b->port && strcmp(a->address, b->address) == 0)
				return fail(err, "ports: %s:%u is given to %s and to %s",
					a->address, (unsigned)a->port, a->process, b->process);
		}
	}
	return 0;
}

/* An image may hold a variable without a value or a name, which no process could read, and those
 * that isorun sets itself. */
static void set_all(struct strv *env, const struct strv *from)
{
	for (size_t i = 0; i < from->len; i++) {
		char *key = memory_copy_str(from->items[i]);
		char *equals = strchr(key, '=');

		if (equals)
			*equals = '\0';
		if (equals && equals > key && !name_is_reserved(key))
			strv_env_set(env, key, equals + 1);
		free(key);
	}
}

static void join_env(const struct manifest *manifest, const struct config *config,
	const struct strv *image_env, struct release *ret)
{
	if (image_env)
		set_all(&ret->env, image_env);
	for (size_t i = 0; i < manifest->env_count; i++)
		if (manifest->env[i].value)
			strv_env_set(&ret->env, manifest->env[i].key, manifest->env[i].value);
	set_all(&ret->env, &config->env);
}

/* What is attached has to be reachable: by a gate, or because everything is. */
static int check_service(
	const struct release *release, const char *name, const char *url, struct error *err)
{
	struct service_endpoint endpoint;

	if (release->egress == EGRESS_NONE) {
		fail(err,
			"service %s is attached, and with \"egress\": \"none\" nothing gets there",
			name);
		return error_hint(err, "--attach %s= detaches it", name);
	}
	if (release->egress == EGRESS_OPEN || service_parse(url, &endpoint, err) == 0)
		return 0;
	return error_wrap(err, "release: service %s", name);
}

/* A service's URL: as it was attached, else as the deploy sets the service's variable. */
static const char *service_url(
	const struct config *config, const struct service_declaration *service)
{
	const char *url = strv_env_get(&config->services, service->name);

	return url ? url : strv_env_get(&config->env, service->env);
}

static int join_services(const struct manifest *manifest, const struct config *config,
	struct release *ret, struct error *err)
{
	for (size_t i = 0; i < manifest->service_count; i++) {
		const struct service_declaration *service = &manifest->services[i];
		const char *url = service_url(config, service);

		if (url && *url) {
			if (check_service(ret, service->name, url, err) < 0)
				return -1;
			strv_env_set(&ret->env, service->env, url);
			strv_addf(&ret->services, "%s=%s", service->name, service->env);
			continue;
		}
		if (!service->required)
			continue;
		fail(err, "service %s is required and not attached", service->name);
		return error_hint(
			err, "--attach %s=URL, which becomes %s", service->name, service->env);
	}
	return 0;
}

static int fail_unknown_service(
	const struct manifest *manifest, const char *name, int len, struct error *err)
{
	CLEANUP_BUF struct buf known = { 0 };

	for (size_t i = 0; i < manifest->service_count; i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", manifest->services[i].name);
	fail(err, "services: the app declares no service \"%.*s\"", len, name);
	if (known.len > 0)
		return error_hint(err, "it declares %.150s", known.data);
	return error_hint(err, "in isorun.json: \"services\": { \"%.*s\": {} }", len, name);
}

static int check_service_names(
	const struct manifest *manifest, const struct config *config, struct error *err)
{
	for (size_t i = 0; i < config->services.len; i++) {
		const char *item = config->services.items[i];
		int len = (int)strcspn(item, "=");
		bool known = false;

		for (size_t j = 0; j < manifest->service_count; j++) {
			const char *name = manifest->services[j].name;

			known |= strlen(name) == (size_t)len &&
				 strncmp(name, item, (size_t)len) == 0;
		}
		if (!known)
			return fail_unknown_service(manifest, item, len, err);
	}
	return 0;
}

static int check_required(
	const struct manifest *manifest, const struct release *release, struct error *err)
{
	for (size_t i = 0; i < manifest->env_count; i++) {
		const struct env_declaration *env = &manifest->env[i];
		const char *value = strv_env_get(&release->env, env->key);
		const char *why = env->description ? env->description : "";

		if (!(env->required || env->secret) || (value && *value))
			continue;
		fail(err, "%s is required and %s%s%s%s", env->key, value ? "empty" : "not set",
			*why ? " (" : "", why, *why ? ")" : "");
		return error_hint(err, "-e %s=…", env->key);
	}
	return 0;
}

static int join(const struct manifest *manifest, const struct config *config,
	const struct strv *image_env, struct release *ret, struct error *err)
{
	ret->app = memory_copy_str(manifest->name);
	ret->deploy = memory_copy_str(config->deploy ? config->deploy : "dev");
	ret->cwd = memory_copy_str("/app");
	ret->uid = 1000;
	ret->gid = 1000;
	ret->egress = config->egress;
	ret->log_format = memory_copy_str(config->log_format);
	strv_add_all(&ret->drains, &config->drains);
	copy_types(manifest, ret);
	join_env(manifest, config, image_env, ret);
	if (join_formation(manifest, config, ret, err) < 0 ||
		join_limits(manifest, config, ret, err) < 0 ||
		join_ports(manifest, config, ret, err) < 0 || check_ports(ret, err) < 0)
		return -1;
	if (check_service_names(manifest, config, err) < 0 ||
		join_services(manifest, config, ret, err) < 0)
		return -1;
	if (ret->env.len > VARIABLES_MAX)
		return fail(err, "more than %d variables", (int)VARIABLES_MAX);
	strv_sort(&ret->env);
	strv_sort(&ret->services);
	return check_required(manifest, ret, err);
}

int release_join(const struct manifest *manifest, const struct config *config,
	const struct strv *image_env, struct release *ret, struct error *err)
{
	struct release release = { 0 };

	if (join(manifest, config, image_env, &release, err) < 0) {
		release_done(&release);
		return -1;
	}
	*ret = release;
	return 0;
}
