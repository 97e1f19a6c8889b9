/* Process types: one entry of "processes", read and printed. Manifest, release and Procfile share
 * it, so that a type means the same wherever it is written. */
#include "read.h"

#include "base/memory.h"
#include "model/command.h"
#include "model/signal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { READY_TIMEOUT = 60000, STOP_TIMEOUT = 10000, READY_PATH_MAX = 1024, ARGV_MAX = 4096 };

static bool is_release_phase(const char *name)
{
	return strcmp(name, "release") == 0;
}

static void set_defaults(const char *name, struct process_type *type)
{
	*type = (struct process_type){
		.name = memory_copy_str(name),
		.port_number = PORT_DEFAULT,
		.ready_timeout = READY_TIMEOUT,
		.stop_signal = SIGTERM,
		.stop_timeout = STOP_TIMEOUT,
		.quantity = strcmp(name, "web") == 0,
	};
}

static int set_command(struct process_type *type, const char *text, struct error *err)
{
	struct command command;

	if (command_parse(text, &command, err) < 0)
		return -1;
	type->command = memory_copy_str(text);
	type->argv = command.argv;
	type->shell = command.shell;
	return 0;
}

static int read_command(const struct json_at *at, struct process_type *type, struct error *err)
{
	if (json_is_string(at->value)) {
		if (set_command(type, json_string_value(at->value), err) < 0)
			return read_error(at, err);
		return 0;
	}
	if (!json_is_array(at->value))
		return json_error(at, err, "must be a string or an array of strings");
	if (json_array_size(at->value) > ARGV_MAX)
		return json_error(at, err, "has more than %d words", (int)ARGV_MAX);
	if (json_get_strv(at, &type->argv, err) < 0)
		return -1;
	if (type->argv.len == 0 || !type->argv.items[0][0])
		return json_error(at, err, "the command is empty");
	return 0;
}

static int read_port(const struct json_at *at, struct process_type *type, struct error *err)
{
	int64_t number;

	if (json_is_integer(at->value)) {
		if (json_get_int(at, 1, UINT16_MAX, &number, err) < 0)
			return -1;
		type->port = true;
		type->port_number = (uint16_t)number;
		return 0;
	}
	if (json_get_bool(at, &type->port, err) == 0)
		return 0;
	return error_hint(err, "or the number that PORT shall be, as in \"port\": 8080");
}

static int read_ready_path(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (text[0] != '/' || strlen(text) > READY_PATH_MAX)
		return json_error(at, err, "must be a path such as \"/healthz\"");
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return json_error(at, err,
				"must be a path without spaces and control characters, in ASCII");
	*ret = memory_copy_str(text);
	return 0;
}

static int read_ready(const struct json_at *at, struct process_type *type, struct error *err)
{
	static const char *const keys[] = { "http", "tcp", "timeout", NULL };
	struct json_at http, tcp, timeout;
	bool wanted = true;
	bool has_http, has_tcp;

	if (json_keys(at, keys, err) < 0)
		return -1;
	has_http = json_member(at, "http", &http);
	has_tcp = json_member(at, "tcp", &tcp);
	if (has_http && has_tcp)
		return json_error(at, err, "has both \"http\" and \"tcp\"");
	if ((has_http || has_tcp) && !type->port)
		return json_error(at, err, "needs \"port\": true to connect to");
	if (has_http && read_ready_path(&http, &type->ready_path, err) < 0)
		return -1;
	if (has_tcp && json_get_bool(&tcp, &wanted, err) < 0)
		return -1;
	if (!wanted)
		return json_error(&tcp, err, "must be true");
	if (json_member(at, "timeout", &timeout))
		return read_duration(&timeout, &type->ready_timeout, err);
	return 0;
}

static int read_signal(const struct json_at *at, int *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (signal_parse(text, ret, err) < 0)
		return read_error(at, err);
	return 0;
}

static int read_scope(const struct json_at *at, bool *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strcmp(text, "group") != 0 && strcmp(text, "process") != 0)
		return json_error(at, err, "must be \"process\" or \"group\"");
	*ret = strcmp(text, "group") == 0;
	return 0;
}

static int read_stop(const struct json_at *at, struct process_type *type, struct error *err)
{
	static const char *const keys[] = { "signal", "timeout", "scope", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (json_member(at, "signal", &member) && read_signal(&member, &type->stop_signal, err) < 0)
		return -1;
	if (json_member(at, "timeout", &member) &&
		read_duration(&member, &type->stop_timeout, err) < 0)
		return -1;
	if (json_member(at, "scope", &member))
		return read_scope(&member, &type->stop_group, err);
	return 0;
}

static int read_seccomp(const struct json_at *at, struct process_type *type, struct error *err)
{
	static const char *const keys[] = { "allow", NULL };
	struct json_at allow, element;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (!json_member(at, "allow", &allow))
		return 0;
	if (json_get_strv(&allow, &type->seccomp_allow, err) < 0)
		return -1;
	for (size_t i = 0; json_element(&allow, i, &element); i++)
		if (!name_is(NAME_PROCESS, type->seccomp_allow.items[i]))
			return json_error(&element, err, "is not a group of system calls");
	strv_sort(&type->seccomp_allow);
	return 0;
}

static int read_quantity(const struct json_at *at, struct process_type *type, struct error *err)
{
	int64_t quantity;

	if (json_get_int(at, 0, QUANTITY_MAX, &quantity, err) < 0)
		return -1;
	if (quantity > 0 && is_release_phase(type->name))
		return json_error(at, err, "the release phase runs once a release, never scaled");
	type->quantity = (unsigned)quantity;
	return 0;
}

static int read_members(const struct json_at *at, struct process_type *type, struct error *err)
{
	struct json_at member;

	if (!json_member(at, "command", &member))
		return json_error(at, err, "has no \"command\"");
	if (read_command(&member, type, err) < 0)
		return -1;
	if (json_member(at, "port", &member) && read_port(&member, type, err) < 0)
		return -1;
	if (json_member(at, "ready", &member) && read_ready(&member, type, err) < 0)
		return -1;
	if (json_member(at, "stop", &member) && read_stop(&member, type, err) < 0)
		return -1;
	if (json_member(at, "limits", &member) && read_limits(&member, &type->limits, err) < 0)
		return -1;
	if (json_member(at, "seccomp", &member) && read_seccomp(&member, type, err) < 0)
		return -1;
	if (json_member(at, "tmp_exec", &member) &&
		json_get_bool(&member, &type->tmp_exec, err) < 0)
		return -1;
	if (json_member(at, "quantity", &member))
		return read_quantity(&member, type, err);
	return 0;
}

/* at is the member with its name as key; ret is zeroed. */
static int read_process(const struct json_at *at, struct process_type *ret, struct error *err)
{
	static const char *const keys[] = { "command", "port", "ready", "stop", "limits",
		"quantity", "tmp_exec", "seccomp", NULL };

	*ret = (struct process_type){ 0 };
	if (read_key(at, NAME_PROCESS, err) < 0 || json_keys(at, keys, err) < 0)
		return -1;
	set_defaults(at->key, ret);
	return read_members(at, ret, err);
}

int read_processes(
	const struct json_at *at, struct process_type **ret, size_t *ret_count, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	if (json_object_size(at->value) == 0)
		return json_error(at, err, "has no process types");
	json_object_foreach (at->value, key, value) {
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		*ret = memory_resize(*ret, *ret_count + 1, sizeof **ret);
		if (read_process(&member, &(*ret)[(*ret_count)++], err) < 0)
			return -1;
	}
	sort_by_name(*ret, *ret_count, sizeof **ret);
	return 0;
}

size_t count_instances(const struct process_type *types, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += types[i].quantity;
	return sum;
}

int process_from_command(
	const char *name, const char *command, struct process_type *ret, struct error *err)
{
	set_defaults(name, ret);
	ret->port = strcmp(name, "web") == 0;
	return set_command(ret, command, err);
}

static json_t *print_duration(uint64_t milliseconds)
{
	if (milliseconds % 1000)
		return json_sprintf("%llums", (unsigned long long)milliseconds);
	return json_sprintf("%llus", (unsigned long long)milliseconds / 1000);
}

static json_t *print_port(const struct process_type *type)
{
	if (type->port && type->port_number != PORT_DEFAULT)
		return json_integer(type->port_number);
	return json_boolean(type->port);
}

json_t *print_process(const struct process_type *type)
{
	char signo[SIGNAL_TEXT];
	json_t *ready = json_pack("{s:o}", "timeout", print_duration(type->ready_timeout));

	signal_print(type->stop_signal, signo);
	if (type->ready_path)
		json_object_set_new(ready, "http", json_string(type->ready_path));
	return json_pack("{s:o, s:o, s:o, s:{s:s, s:o, s:s}, s:o, s:i, s:b, s:{s:o}}", "command",
		type->command ? json_string(type->command) : print_strv(&type->argv), "port",
		print_port(type), "ready", ready, "stop", "signal", signo, "timeout",
		print_duration(type->stop_timeout), "scope", type->stop_group ? "group" : "process",
		"limits", print_limits(&type->limits), "quantity", (int)type->quantity, "tmp_exec",
		(int)type->tmp_exec, "seccomp", "allow", print_strv(&type->seccomp_allow));
}

json_t *print_processes(const struct process_type *types, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, types[i].name, print_process(&types[i]));
	return object;
}

void process_type_done(struct process_type *type)
{
	free(type->name);
	strv_done(&type->argv);
	free(type->command);
	free(type->ready_path);
	strv_done(&type->seccomp_allow);
	*type = (struct process_type){ 0 };
}
