/* A deploy's config: the setters behind config.json and the flags, and its memory. Values are
 * opaque: nothing is interpolated. */
#include "config_set.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"
#include "model/name.h"
#include "model/service.h"
#include "model/text.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

enum { PORTS_MAX = 1024 };

int set_service(struct config *config, const char *name, const char *url, struct error *err)
{
	if (name_check(NAME_SERVICE, name, err) < 0 || (*url && service_check_form(url, err) < 0))
		return -1;
	strv_env_set(&config->services, name, url);
	return 0;
}

int set_quantity(struct config *config, const char *process, unsigned quantity, struct error *err)
{
	if (name_check(NAME_PROCESS, process, err) < 0)
		return -1;
	for (size_t i = 0; i < config->formation_count; i++) {
		if (strcmp(config->formation[i].process, process) == 0) {
			config->formation[i].quantity = quantity;
			return 0;
		}
	}
	config->formation = memory_resize(
		config->formation, config->formation_count + 1, sizeof *config->formation);
	config->formation[config->formation_count++] =
		(struct config_quantity){ memory_copy_str(process), quantity };
	return 0;
}

void add_limits(struct config *config, const char *process, const struct limits *limits)
{
	config->limits =
		memory_resize(config->limits, config->limit_count + 1, sizeof *config->limits);
	config->limits[config->limit_count++] =
		(struct config_limits){ memory_copy_str(process), *limits };
}

static int compare_ports(const void *a, const void *b)
{
	const struct config_port *one = a, *other = b;
	int order = strcmp(one->process, other->process);

	if (order == 0)
		order = strcmp(one->address, other->address);
	return order ? order : (one->port > other->port) - (one->port < other->port);
}

void sort_ports(struct config_port *ports, size_t count)
{
	if (count > 1)
		qsort(ports, count, sizeof *ports, compare_ports);
}

static void drop_file_ports(struct config *config, const char *process)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->port_count; i++) {
		struct config_port *port = &config->ports[i];

		if (!port->from_flag && strcmp(port->process, process) == 0) {
			free(port->process);
			free(port->address);
		} else {
			config->ports[kept++] = *port;
		}
	}
	config->port_count = kept;
}

int add_port(struct config *config, const char *text, const char *process, bool from_flag,
	struct error *err)
{
	struct config_port port = { .from_flag = from_flag };

	if (name_check(NAME_PROCESS, process, err) < 0)
		return -1;
	if (config->port_count >= PORTS_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d ports", (int)PORTS_MAX);
	if (read_address(text, &port.address, &port.port, err) < 0)
		return -1;
	if (from_flag)
		drop_file_ports(config, process);
	port.process = memory_copy_str(process);
	config->ports = memory_resize(config->ports, config->port_count + 1, sizeof *config->ports);
	config->ports[config->port_count++] = port;
	config->ports_said = true;
	return 0;
}

/* Cuts "KEY=VALUE" in two, in memory of its own; value points into *ret_key's. What has no '=' may
 * be a value whose name was forgotten, and is not repeated. */
static int cut(const char *text, const char *form, char **ret_key, const char **ret_value,
	struct error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals)
		return error_set(err, ERROR_CONFIG, "not %s: it has no =", form);
	*ret_key = memory_copy_str(text);
	(*ret_key)[equals - text] = '\0';
	*ret_value = *ret_key + (equals - text) + 1;
	return 0;
}

int config_set_env(struct config *config, const char *text, struct error *err)
{
	CLEANUP_FREE char *key = NULL;
	const char *value = NULL;

	if (cut(text, "KEY=VALUE", &key, &value, err) < 0 || name_check_variable(key, err) < 0)
		return -1;
	if (!text_is_utf8(value, strlen(value)))
		return error_set(err, ERROR_CONFIG, "the value of %s is not UTF-8", key);
	strv_env_set(&config->env, key, value);
	return 0;
}

int config_set_service(struct config *config, const char *text, struct error *err)
{
	CLEANUP_FREE char *name = NULL;
	const char *url = NULL;

	if (cut(text, "NAME=URL", &name, &url, err) < 0)
		return -1;
	if (!text_is_utf8(url, strlen(url)))
		return error_set(err, ERROR_CONFIG, "the URL is not UTF-8");
	if (set_service(config, name, url, err) < 0)
		return error_wrap(err, "service %.63s", name);
	return 0;
}

static int check_quantity(const char *text, uint64_t *ret, struct error *err)
{
	CLEANUP_FREE char *process = NULL;
	const char *number = NULL;

	if (cut(text, "TYPE=NUMBER", &process, &number, err) < 0 ||
		name_check(NAME_PROCESS, process, err) < 0)
		return -1;
	if (number_parse(number, QUANTITY_MAX, ret, err) < 0)
		return error_wrap(err, "formation of %s", process);
	return 0;
}

int config_set_formation(struct config *config, const char *text, struct error *err)
{
	CLEANUP_FREE char *copy = memory_copy_str(text);
	CLEANUP_FREE char *again = memory_copy_str(text);
	uint64_t quantity;
	char *rest = copy;
	char *item;

	while ((item = strsep(&rest, ",")))
		if (check_quantity(item, &quantity, err) < 0)
			return -1;
	for (rest = again; (item = strsep(&rest, ","));) {
		(void)check_quantity(item, &quantity, err); /* checked above */
		item[strcspn(item, "=")] = '\0';
		(void)set_quantity(config, item, (unsigned)quantity, err); /* checked above */
	}
	return 0;
}

int config_set_port(struct config *config, const char *text, struct error *err)
{
	CLEANUP_FREE char *copy = memory_copy_str(text);
	char *colon = strrchr(copy, ':');
	const char *process = "web";

	if (colon && colon[1] && colon[1 + strspn(colon + 1, "0123456789")] != '\0') {
		*colon = '\0';
		process = colon + 1;
	}
	if (add_port(config, copy, process, true, err) == 0)
		return 0;
	error_wrap(err, "port %.80s", text);
	return error_hint(err, "[ADDRESS:]PORT[:PROCESS], as in 8080:web or 127.0.0.1:8080:web");
}

void config_done(struct config *config)
{
	free(config->deploy);
	strv_done(&config->env);
	strv_done(&config->services);
	for (size_t i = 0; i < config->formation_count; i++)
		free(config->formation[i].process);
	free(config->formation);
	for (size_t i = 0; i < config->port_count; i++) {
		free(config->ports[i].process);
		free(config->ports[i].address);
	}
	free(config->ports);
	for (size_t i = 0; i < config->limit_count; i++)
		free(config->limits[i].process);
	free(config->limits);
	free(config->log_format);
	strv_done(&config->drains);
	*config = (struct config){ 0 };
}
