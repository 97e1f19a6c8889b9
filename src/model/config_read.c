/* config.json: read. What flags do to it is in config.c, and reuses the checks here through the
 * same setters, so that a file and a flag accept the same. */
#include "config_set.h"

#include "base/cleanup.h"
#include "model/service.h"
#include "read.h"

#include <stdio.h>
#include <string.h>

static int read_env(const struct json_at *at, struct config *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, VARIABLES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		const char *text;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_variable(&member, key, err) < 0 || json_get_str(&member, &text, err) < 0)
			return -1;
		strv_addf(&ret->env, "%s=%s", key, text);
	}
	return 0;
}

static int read_services(const struct json_at *at, struct config *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		const char *text;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (json_get_str(&member, &text, err) < 0)
			return -1;
		if (set_service(ret, key, text, err) < 0)
			return read_error(&member, err);
	}
	return 0;
}

static int read_formation(const struct json_at *at, struct config *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		int64_t quantity;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (json_get_int(&member, 0, QUANTITY_MAX, &quantity, err) < 0)
			return -1;
		if (set_quantity(ret, key, (unsigned)quantity, err) < 0)
			return read_error(&member, err);
	}
	return 0;
}

static int read_port(
	const struct json_at *at, const char *process, struct config *ret, struct error *err)
{
	char bare[16];
	const char *text = bare;
	int64_t number;

	if (json_is_integer(at->value)) {
		if (json_get_int(at, 1, UINT16_MAX, &number, err) < 0)
			return -1;
		(void)snprintf(bare, sizeof bare, "%u", (unsigned)number);
	} else if (json_get_str(at, &text, err) < 0) {
		return -1;
	}
	if (add_port(ret, text, process, false, err) < 0)
		return read_error(at, err);
	return 0;
}

int read_process_ports(
	const struct json_at *at, const char *process, struct config *ret, struct error *err)
{
	struct json_at element;

	if (!json_is_array(at->value))
		return read_port(at, process, ret, err);
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (read_port(&element, process, ret, err) < 0)
			return -1;
	return 0;
}

static int read_ports(const struct json_at *at, struct config *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	ret->ports_said = true;
	json_object_foreach (at->value, key, value) {
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_process_ports(&member, key, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int read_all_limits(const struct json_at *at, struct config *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct limits limits = { 0 };
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_key(&member, NAME_PROCESS, err) < 0 ||
			read_limits(&member, &limits, err) < 0)
			return -1;
		add_limits(ret, key, &limits);
	}
	return 0;
}

int read_egress(const struct json_at *at, enum egress *ret, struct error *err)
{
	static const char *const names[] = EGRESS_NAMES;
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum egress)i;
			return 0;
		}
	}
	return json_error(at, err, "must be \"services\", \"none\" or \"open\"");
}

static int read_format(const struct json_at *at, char **ret, struct error *err)
{
	static const char *const formats[] = { "auto", "text", "heroku", "json", "raw" };
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(text, formats[i]) == 0)
			return read_text(at, ret, err);
	return json_error(at, err, "must be \"auto\", \"text\", \"heroku\", \"json\" or \"raw\"");
}

static int read_drains(const struct json_at *at, struct strv *ret, struct error *err)
{
	struct json_at element;

	if (json_get_strv(at, ret, err) < 0)
		return -1;
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (service_check_form(ret->items[i], err) < 0)
			return read_error(&element, err);
	return 0;
}

int read_logs(
	const struct json_at *at, char **ret_format, struct strv *ret_drains, struct error *err)
{
	static const char *const keys[] = { "format", "drains", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "format", &member) && read_format(&member, ret_format, err) < 0)
		return -1;
	if (json_member(at, "drains", &member))
		return read_drains(&member, ret_drains, err);
	return 0;
}

static int read_top(const struct json_at *top, struct config *ret, struct error *err)
{
	static const char *const keys[] = { "deploy", "env", "services", "formation", "ports",
		"limits", "egress", "logs", NULL };
	struct json_at member;

	if (json_keys(top, keys, err) < 0)
		return -1;
	if (json_member(top, "deploy", &member) &&
		read_name(&member, NAME_DEPLOY, &ret->deploy, err) < 0)
		return -1;
	if (json_member(top, "env", &member) && read_env(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "services", &member) && read_services(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "formation", &member) && read_formation(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "ports", &member) && read_ports(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "limits", &member) && read_all_limits(&member, ret, err) < 0)
		return -1;
	if (json_member(top, "egress", &member) && read_egress(&member, &ret->egress, err) < 0)
		return -1;
	if (json_member(top, "logs", &member))
		return read_logs(&member, &ret->log_format, &ret->drains, err);
	return 0;
}

int config_parse(
	const char *file, const char *text, size_t len, struct config *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct config config = { 0 };
	struct json_at top = { .file = file, .text = text };

	if (json_parse(file, text, len, &value, err) < 0)
		return -1;
	top.value = value;
	if (read_top(&top, &config, err) < 0) {
		config_done(&config);
		return -1;
	}
	*ret = config;
	return 0;
}
