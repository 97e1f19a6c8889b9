/* OCI image configs: read as a stranger's, printed canonically.
 *
 * Deliberately absent: what User, Volumes and ExposedPorts mean for a run (model/release and the
 * image's own passwd decide), and Docker's extensions to the format. */
#include "model/imageconfig.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"
#include "model/signal.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

enum { CREATED_MOST = 64, PORTS_MAX = 1024, USER_MOST = 256 };

/* Other writers say null where they mean nothing. */
static bool has(const struct json_at *object, const char *key, struct json_at *ret)
{
	return json_member(object, key, ret) && !json_is_null(ret->value);
}

static int read_env(const struct json_at *at, struct strv *ret, struct error *err)
{
	CLEANUP_STRV struct strv items = { 0 };

	if (json_get_strv(at, &items, err) < 0)
		return -1;
	if (items.len > VARIABLES_MAX)
		return json_error(at, err, "has more than %d variables", (int)VARIABLES_MAX);
	for (size_t i = 0; i < items.len; i++) {
		char *equals = strchr(items.items[i], '=');

		if (!equals || equals == items.items[i])
			continue; /* neither Docker nor we could set it */
		*equals = '\0';
		strv_env_set(ret, items.items[i], equals + 1);
	}
	return 0;
}

static int read_cwd(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (!*text)
		return 0;
	if (text[0] != '/' || strlen(text) >= 4096)
		return json_error(at, err, "must be an absolute path");
	*ret = memory_copy_str(text);
	return 0;
}

static int read_user(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (!*text)
		return 0;
	if (strlen(text) > USER_MOST)
		return json_error(at, err, "is longer than %d bytes", (int)USER_MOST);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return json_error(at, err, "\"%.40s\" is not a user", text);
	*ret = memory_copy_str(text);
	return 0;
}

static int read_signal(const struct json_at *at, int *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (*text && signal_parse(text, ret, err) < 0)
		return read_error(at, err);
	return 0;
}

/* "5000", "5000/tcp", "53/udp". */
static int read_port(const struct json_at *at, const char *key, struct strv *ret, struct error *err)
{
	const char *slash = strchr(key, '/');
	const char *protocol = slash ? slash + 1 : "tcp";
	CLEANUP_FREE char *number = memory_format("%.*s", (int)strcspn(key, "/"), key);
	CLEANUP_FREE char *text = NULL;
	uint64_t port;

	if (number_parse(number, UINT16_MAX, &port, err) < 0 || port == 0 ||
		(strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
			strcmp(protocol, "sctp") != 0))
		return json_error(at, err, "\"%.40s\" is not a port", key);
	text = memory_format("%u/%s", (unsigned)port, protocol);
	if (!strv_has(ret, text)) /* "80" and "80/tcp" are one */
		strv_add(ret, text);
	return 0;
}

static int read_ports(const struct json_at *at, struct strv *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PORTS_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value)
		if (read_port(at, key, ret, err) < 0)
			return -1;
	strv_sort(ret);
	return 0;
}

static int read_volumes(const struct json_at *at, struct strv *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		if (key[0] != '/')
			return json_error(at, err, "\"%.80s\" is not an absolute path", key);
		strv_add(ret, key);
	}
	strv_sort(ret);
	return 0;
}

static int read_labels(const struct json_at *at, struct strv *ret, struct error *err)
{
	const char *key;
	json_t *value;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;
		const char *text;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (json_get_str(&member, &text, err) < 0)
			return -1;
		strv_add(ret, key);
		strv_add(ret, text);
	}
	sort_by_name(ret->items, ret->len / 2, 2 * sizeof *ret->items);
	return 0;
}

static int read_process_part(const struct json_at *at, struct imageconfig *ret, struct error *err)
{
	struct json_at member;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	if (has(at, "Env", &member) && read_env(&member, &ret->env, err) < 0)
		return -1;
	if (has(at, "Entrypoint", &member) && json_get_strv(&member, &ret->entrypoint, err) < 0)
		return -1;
	if (has(at, "Cmd", &member) && json_get_strv(&member, &ret->cmd, err) < 0)
		return -1;
	if (has(at, "WorkingDir", &member) && read_cwd(&member, &ret->cwd, err) < 0)
		return -1;
	if (has(at, "User", &member) && read_user(&member, &ret->user, err) < 0)
		return -1;
	if (has(at, "StopSignal", &member) && read_signal(&member, &ret->stop_signal, err) < 0)
		return -1;
	if (has(at, "ExposedPorts", &member) && read_ports(&member, &ret->exposed_ports, err) < 0)
		return -1;
	if (has(at, "Volumes", &member) && read_volumes(&member, &ret->volumes, err) < 0)
		return -1;
	if (has(at, "Labels", &member))
		return read_labels(&member, &ret->labels, err);
	return 0;
}

static int read_diff_id(const struct json_at *at, struct digest *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strncmp(text, "sha256:", 7) != 0 || digest_parse(text, ret, err) < 0)
		return json_error(at, err, "\"%.80s\" is not a SHA-256 digest", text);
	return 0;
}

static int read_rootfs(const struct json_at *at, struct imageconfig *ret, struct error *err)
{
	struct json_at type, diff_ids, element;
	const char *text;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	if (!json_member(at, "type", &type) || !json_member(at, "diff_ids", &diff_ids))
		return json_error(at, err, "has no \"type\" or no \"diff_ids\"");
	if (json_get_str(&type, &text, err) < 0)
		return -1;
	if (strcmp(text, "layers") != 0)
		return json_error(&type, err, "must be \"layers\"");
	if (json_is(&diff_ids, JSON_ARRAY, err) < 0)
		return -1;
	if (json_array_size(diff_ids.value) > IMAGECONFIG_LAYERS_MAX)
		return json_error(
			&diff_ids, err, "has more than %d layers", (int)IMAGECONFIG_LAYERS_MAX);
	ret->diff_ids = memory_new(json_array_size(diff_ids.value), sizeof *ret->diff_ids);
	for (size_t i = 0; json_element(&diff_ids, i, &element); i++)
		if (read_diff_id(&element, &ret->diff_ids[ret->diff_id_count++], err) < 0)
			return -1;
	return 0;
}

static int check_os(const struct json_at *top, struct error *err)
{
	struct json_at member;
	const char *text;

	if (!json_member(top, "os", &member))
		return json_error(top, err, "has no \"os\"");
	if (json_get_str(&member, &text, err) < 0)
		return -1;
	if (strcmp(text, "linux") == 0)
		return 0;
	json_error(&member, err, "an image for \"%.40s\", not for linux", text);
	err->kind = ERROR_UNSUPPORTED;
	return -1;
}

static int read_created(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strlen(text) > CREATED_MOST || strspn(text, "0123456789-:.TtZz+") != strlen(text))
		return json_error(at, err, "\"%.40s\" is not a date", text);
	*ret = memory_copy_str(text);
	return 0;
}

static int read_top(const struct json_at *top, struct imageconfig *ret, struct error *err)
{
	struct json_at member;

	if (json_is(top, JSON_OBJECT, err) < 0 || check_os(top, err) < 0)
		return -1;
	if (!json_member(top, "architecture", &member))
		return json_error(top, err, "has no \"architecture\"");
	if (read_name(&member, NAME_APP, &ret->architecture, err) < 0)
		return json_error(&member, err, "is not an architecture");
	if (has(top, "created", &member) && read_created(&member, &ret->created, err) < 0)
		return -1;
	if (has(top, "config", &member) && read_process_part(&member, ret, err) < 0)
		return -1;
	if (has(top, "history", &member)) {
		if (json_is(&member, JSON_ARRAY, err) < 0)
			return -1;
		ret->history = json_incref(member.value);
	}
	if (!json_member(top, "rootfs", &member))
		return json_error(top, err, "has no \"rootfs\"");
	return read_rootfs(&member, ret, err);
}

int imageconfig_parse(
	const char *file, const char *text, size_t len, struct imageconfig *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct imageconfig config = { 0 };
	struct json_at top = { .file = file, .text = text };
	int result = json_parse(file, text, len, &value, err);

	if (result == 0) {
		top.value = value;
		result = read_top(&top, &config, err);
	}
	if (result == 0) {
		*ret = config;
		return 0;
	}
	imageconfig_done(&config);
	/* What a stranger's document says is not a person's mistake in a config. */
	if (err->kind == ERROR_CONFIG)
		err->kind = ERROR_INTEGRITY;
	return -1;
}
