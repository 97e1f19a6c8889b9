/* Lines of a ledger: {"digest":"HEX", and then the canonical object that HEX is the digest of. The
 * digest stands first so that it can be checked on the text, before anything is parsed. */
#include "entry.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char prefix[] = "{\"digest\":\"";
enum { PREFIX = sizeof prefix - 1, HEX = DIGEST_HEX - 1, BODY = PREFIX + HEX + 2 };

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static const char *const kinds[] = {
	[LEDGER_RELEASE] = "release",
	[LEDGER_IMPORT] = "import",
	[LEDGER_ROLLBACK] = "rollback",
	[LEDGER_ADMIN] = "admin",
};

const char *ledger_kind_name(enum ledger_kind kind)
{
	return kinds[kind];
}

/* JSON is UTF-8; a command line need not be. What is not becomes '?'. */
static json_t *text_value(const char *text)
{
	json_t *value = json_string(text);
	CLEANUP_BUF struct buf clean = { 0 };

	if (value)
		return value;
	for (; *text; text++)
		buf_add(&clean, (unsigned char)*text < 0x80 ? text : "?", 1);
	return json_string(clean.data);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		(void)json_object_set_new(object, key, text_value(text)); /* memory only */
}

void entry_print(const struct ledger_entry *entry, const struct digest *previous, struct buf *ret,
	struct digest *ret_digest)
{
	CLEANUP_BUF struct buf body = { 0 };
	CLEANUP_JSON json_t *keys = json_object();
	CLEANUP_JSON json_t *value = json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:O}", "kind",
		kinds[entry->kind], "previous", previous ? previous->hex : zeros, "release",
		entry->release.hex, "time", (json_int_t)entry->time, "version", (int)entry->version,
		"status", entry->status, "env", keys);

	for (size_t i = 0; i < entry->keys.len; i++) {
		CLEANUP_FREE char *key = memory_copy_str(entry->keys.items[i]);
		char *equals = strchr(key, '=');

		*equals = '\0';
		set_text(keys, key, equals + 1);
	}
	set_text(value, "commit", entry->commit);
	set_text(value, "description", entry->description);
	set_text(value, "user", entry->user);
	json_print(value, false, &body);
	digest_bytes(body.data, body.len, ret_digest);
	buf_addf(ret, "%s%s\",%s\n", prefix, ret_digest->hex, body.data + 1);
}

static int read_text(const struct json_at *object, const char *key, char **ret, struct error *err)
{
	struct json_at member;
	const char *text;

	if (!json_member(object, key, &member))
		return 0;
	if (json_get_str(&member, &text, err) < 0)
		return -1;
	*ret = memory_copy_str(text);
	return 0;
}

static int need_text(
	const struct json_at *object, const char *key, const char **ret, struct error *err)
{
	struct json_at member;

	if (!json_member(object, key, &member))
		return json_error(object, err, "has no \"%s\"", key);
	return json_get_str(&member, ret, err);
}

static int need_int(
	const struct json_at *object, const char *key, int64_t max, int64_t *ret, struct error *err)
{
	struct json_at member;

	if (!json_member(object, key, &member))
		return json_error(object, err, "has no \"%s\"", key);
	return json_get_int(&member, 0, max, ret, err);
}

static int read_kind(const struct json_at *object, enum ledger_kind *ret, struct error *err)
{
	const char *name;

	if (need_text(object, "kind", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i], name) != 0)
			continue;
		*ret = (enum ledger_kind)i;
		return 0;
	}
	return error_set(err, ERROR_INTEGRITY, "an entry of unknown kind %.40s", name);
}

static int read_keys(const struct json_at *object, struct strv *ret, struct error *err)
{
	struct json_at env;
	const char *key;
	json_t *value;

	if (!json_member(object, "env", &env))
		return json_error(object, err, "has no \"env\"");
	if (json_is(&env, JSON_OBJECT, err) < 0)
		return -1;
	json_object_foreach (env.value, key, value)
		strv_addf(ret, "%s=%s", key, json_string_value(value) ?: "");
	strv_sort(ret);
	return 0;
}

static int read_entry(const struct json_at *top, struct ledger_entry *ret,
	struct digest *ret_previous, struct error *err)
{
	const char *previous;
	const char *release;
	int64_t version;
	int64_t status;

	if (read_kind(top, &ret->kind, err) < 0 || need_text(top, "previous", &previous, err) < 0 ||
		digest_parse(previous, ret_previous, err) < 0 ||
		need_text(top, "release", &release, err) < 0 ||
		digest_parse(release, &ret->release, err) < 0 ||
		need_int(top, "version", INT32_MAX, &version, err) < 0 ||
		need_int(top, "status", INT32_MAX, &status, err) < 0 ||
		need_int(top, "time", INT64_MAX, &ret->time, err) < 0 ||
		read_text(top, "commit", &ret->commit, err) < 0 ||
		read_text(top, "description", &ret->description, err) < 0 ||
		read_text(top, "user", &ret->user, err) < 0 || read_keys(top, &ret->keys, err) < 0)
		return -1;
	ret->version = (unsigned)version;
	ret->status = (int)status;
	return 0;
}

static int check_text(
	const char *line, size_t len, struct buf *ret_body, struct digest *ret, struct error *err)
{
	struct digest actual;

	if (len <= BODY || memcmp(line, prefix, PREFIX) != 0 ||
		memcmp(line + PREFIX + HEX, "\",", 2) != 0)
		return error_set(err, ERROR_INTEGRITY, "not an entry");
	buf_add_str(ret_body, "{");
	buf_add(ret_body, line + BODY, len - BODY);
	digest_bytes(ret_body->data, ret_body->len, &actual);
	if (memcmp(line + PREFIX, actual.hex, HEX) != 0)
		return error_set(err, ERROR_INTEGRITY, "changed after it was written");
	*ret = actual;
	return 0;
}

int entry_parse(const char *line, size_t len, struct ledger_entry *ret, struct digest *ret_digest,
	struct digest *ret_previous, struct error *err)
{
	CLEANUP_BUF struct buf body = { 0 };
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = "entry" };
	struct ledger_entry entry = { 0 };

	if (check_text(line, len, &body, ret_digest, err) < 0)
		return -1;
	if (json_parse(top.file, body.data, body.len, &value, err) < 0) {
		err->kind = ERROR_INTEGRITY;
		return -1;
	}
	top.value = value;
	if (json_is(&top, JSON_OBJECT, err) < 0 ||
		read_entry(&top, &entry, ret_previous, err) < 0) {
		ledger_entry_done(&entry);
		err->kind = ERROR_INTEGRITY;
		return -1;
	}
	*ret = entry;
	return 0;
}

void ledger_entry_done(struct ledger_entry *entry)
{
	free(entry->commit);
	free(entry->description);
	free(entry->user);
	strv_done(&entry->keys);
	*entry = (struct ledger_entry){ 0 };
}
