/* isorun.lock: versioned JSON, one package a line. The reader is strict, because what it accepts is
 * given to apt and becomes names of files. */
#include "model/lock.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, VERSION_MOST = 128, FILENAME_MOST = 512 };

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool consists_of(const char *text, const char *characters, size_t most)
{
	size_t len = strnlen(text, most + 1);

	return len > 0 && len <= most && strspn(text, characters) == len;
}

/* Debian policy 5.6.12: [epoch:]upstream[-revision], beginning with a digit by all that is. */
static int read_version(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (!consists_of(text, ALNUM ".+-:~", VERSION_MOST) || !strchr(ALNUM, text[0]))
		return json_error(at, err, "\"%.80s\" is not a Debian version", text);
	*ret = memory_copy_str(text);
	return 0;
}

static int read_architecture(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (!consists_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-", 32) || text[0] == '-')
		return json_error(at, err, "\"%.40s\" is not an architecture", text);
	*ret = memory_copy_str(text);
	return 0;
}

static int read_filename(const struct json_at *at, char **ret, struct error *err)
{
	CLEANUP_FREE char *path = NULL;

	if (read_path_below(at, &path, err) < 0)
		return json_error(at, err, "is not a path below a mirror");
	if (!consists_of(path, ALNUM ".+-:~_%/", FILENAME_MOST) || path[0] == '-')
		return json_error(at, err, "is not a path below a mirror");
	*ret = STEAL(path);
	return 0;
}

static int read_sha256(const struct json_at *at, struct digest *ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if (strlen(text) != DIGEST_HEX - 1 || digest_parse(text, ret, err) < 0)
		return json_error(at, err, "is not 64 lower-case hexadecimal digits");
	return 0;
}

/* "2026-11-20T12:00:00Z" and nothing else. */
static int read_date(const struct json_at *at, char **ret, struct error *err)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof shape; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == '0' ? !digit : text[i] != shape[i])
			return json_error(at, err, "is not a date as in 2026-11-20T12:00:00Z");
	}
	*ret = memory_copy_str(text);
	return 0;
}

static int read_snapshot(const struct json_at *at, char **ret, struct error *err)
{
	const char *text;

	if (json_get_str(at, &text, err) < 0)
		return -1;
	if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
		!consists_of(text, ALNUM ".+-:~_%/", FILENAME_MOST))
		return json_error(at, err, "is not an http or https URL");
	*ret = memory_copy_str(text);
	return 0;
}

static int need(
	const struct json_at *object, const char *key, struct json_at *ret, struct error *err)
{
	if (json_member(object, key, ret))
		return 0;
	return json_error(object, err, "has no \"%s\"", key);
}

static int read_package(const struct json_at *at, struct lock_package *ret, struct error *err)
{
	static const char *const keys[] = { "name", "version", "architecture", "filename", "sha256",
		"size", NULL };
	struct json_at member;
	int64_t size;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (need(at, "name", &member, err) < 0 ||
		read_name(&member, NAME_PACKAGE, &ret->name, err) < 0)
		return -1;
	if (need(at, "version", &member, err) < 0 || read_version(&member, &ret->version, err) < 0)
		return -1;
	if (need(at, "architecture", &member, err) < 0 ||
		read_architecture(&member, &ret->architecture, err) < 0)
		return -1;
	if (need(at, "filename", &member, err) < 0 ||
		read_filename(&member, &ret->filename, err) < 0)
		return -1;
	if (need(at, "sha256", &member, err) < 0 || read_sha256(&member, &ret->sha256, err) < 0)
		return -1;
	if (need(at, "size", &member, err) < 0 ||
		json_get_int(&member, 1, INT64_MAX, &size, err) < 0)
		return -1;
	ret->size = (uint64_t)size;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct lock_package *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : strcmp(one->architecture, other->architecture);
}

static void sort(struct lock_set *set)
{
	if (set->count > 1)
		qsort(set->packages, set->count, sizeof *set->packages, compare);
}

static int read_packages(const struct json_at *at, struct lock_set *ret, struct error *err)
{
	struct json_at element;

	if (json_is(at, JSON_ARRAY, err) < 0)
		return -1;
	if (json_array_size(at->value) > LOCK_PACKAGES_MAX)
		return json_error(at, err, "has more than %d packages", (int)LOCK_PACKAGES_MAX);
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (read_package(&element, lock_add_package(ret), err) < 0)
			return -1;
	sort(ret);
	for (size_t i = 1; i < ret->count; i++)
		if (compare(&ret->packages[i - 1], &ret->packages[i]) == 0)
			return json_error(at, err, "has %s:%s twice", ret->packages[i].name,
				ret->packages[i].architecture);
	return 0;
}

static int read_requested(const struct json_at *at, struct strv *ret, struct error *err)
{
	struct json_at element;

	if (json_is(at, JSON_ARRAY, err) < 0)
		return -1;
	for (size_t i = 0; json_element(at, i, &element); i++) {
		char *name = NULL;

		if (read_name(&element, NAME_PACKAGE, &name, err) < 0)
			return -1;
		strv_add(ret, name);
		free(name);
	}
	strv_sort(ret);
	return 0;
}

static int read_set(const struct json_at *at, struct lock_set *ret, struct error *err)
{
	static const char *const keys[] = { "suite", "requested", "packages", NULL };
	struct json_at member;

	if (json_keys(at, keys, err) < 0)
		return -1;
	if (need(at, "suite", &member, err) < 0 ||
		read_name(&member, NAME_SUITE, &ret->suite, err) < 0)
		return -1;
	if (json_member(at, "requested", &member) &&
		read_requested(&member, &ret->requested, err) < 0)
		return -1;
	if (need(at, "packages", &member, err) < 0)
		return -1;
	return read_packages(&member, ret, err);
}

static int check_version(const struct json_at *top, struct error *err)
{
	struct json_at member;
	int64_t version;

	if (json_is(top, JSON_OBJECT, err) < 0 || need(top, "version", &member, err) < 0 ||
		json_get_int(&member, 1, INT64_MAX, &version, err) < 0)
		return -1;
	if (version == FORMAT)
		return 0;
	json_error(&member, err, "is %lld, this isorun reads %d", (long long)version, (int)FORMAT);
	return error_hint(err, "isorun build --update writes it anew");
}

static int read_top(const struct json_at *top, struct lock *ret, struct error *err)
{
	static const char *const keys[] = { "version", "date", "snapshot", "dependencies", "build",
		NULL };
	struct json_at member;

	if (check_version(top, err) < 0 || json_keys(top, keys, err) < 0)
		return -1;
	if (need(top, "date", &member, err) < 0 || read_date(&member, &ret->date, err) < 0)
		return -1;
	if (json_member(top, "snapshot", &member) &&
		read_snapshot(&member, &ret->snapshot, err) < 0)
		return -1;
	if (json_member(top, "dependencies", &member) &&
		read_set(&member, &ret->dependencies, err) < 0)
		return -1;
	if (json_member(top, "build", &member))
		return read_set(&member, &ret->build, err);
	return 0;
}

int lock_parse(const char *file, const char *text, size_t len, struct lock *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;
	struct lock lock = { 0 };
	struct json_at top = { .file = file, .text = text };

	if (json_parse(file, text, len, &value, err) < 0)
		return -1;
	top.value = value;
	if (read_top(&top, &lock, err) < 0) {
		lock_done(&lock);
		return -1;
	}
	*ret = lock;
	return 0;
}

static void print_package(const struct lock_package *package, struct buf *ret)
{
	CLEANUP_JSON json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "name",
		package->name, "version", package->version, "architecture", package->architecture,
		"filename", package->filename, "sha256", package->sha256.hex, "size",
		(json_int_t)package->size);

	json_print(value, false, ret);
}

/* Names need no escapes: read_name and the manifest's see to it. */
static void print_requested(const struct strv *requested, struct buf *ret)
{
	CLEANUP_STRV struct strv sorted = { 0 };

	if (!requested->len)
		return;
	strv_add_all(&sorted, requested);
	strv_sort(&sorted);
	buf_add_str(ret, " \"requested\": [");
	for (size_t i = 0; i < sorted.len; i++)
		buf_addf(ret, "%s\"%s\"", i ? ", " : "", sorted.items[i]);
	buf_add_str(ret, "],");
}

static void print_set(const char *name, const struct lock_set *set, struct buf *ret)
{
	struct lock_package *sorted = memory_new(set->count, sizeof *sorted);
	struct lock_set copy = { .packages = sorted, .count = set->count };

	memcpy(sorted, set->packages ? set->packages : sorted, set->count * sizeof *sorted);
	sort(&copy);
	buf_addf(ret, ",\n\"%s\": { \"suite\": \"%s\",", name, set->suite);
	print_requested(&set->requested, ret);
	buf_add_str(ret, " \"packages\": [");
	for (size_t i = 0; i < copy.count; i++) {
		buf_add_str(ret, i ? ",\n" : "\n");
		print_package(&sorted[i], ret);
	}
	buf_add_str(ret, "\n] }");
	free(sorted);
}

void lock_print(const struct lock *lock, struct buf *ret)
{
	buf_addf(ret, "{ \"version\": %d,\n\"date\": \"%s\"", (int)FORMAT, lock->date);
	if (lock->snapshot)
		buf_addf(ret, ",\n\"snapshot\": \"%s\"", lock->snapshot);
	if (lock->dependencies.suite)
		print_set("dependencies", &lock->dependencies, ret);
	if (lock->build.suite)
		print_set("build", &lock->build, ret);
	buf_add_str(ret, " }\n");
}

struct lock_package *lock_add_package(struct lock_set *set)
{
	set->packages = memory_resize(set->packages, set->count + 1, sizeof *set->packages);
	set->packages[set->count] = (struct lock_package){ 0 };
	return &set->packages[set->count++];
}

static void set_done(struct lock_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->packages[i].name);
		free(set->packages[i].version);
		free(set->packages[i].architecture);
		free(set->packages[i].filename);
	}
	free(set->packages);
	strv_done(&set->requested);
	free(set->suite);
}

void lock_done(struct lock *lock)
{
	free(lock->date);
	free(lock->snapshot);
	set_done(&lock->dependencies);
	set_done(&lock->build);
	*lock = (struct lock){ 0 };
}
