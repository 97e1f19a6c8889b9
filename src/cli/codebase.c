/* Reading what init looks at. The host says only which Debian suite packages come from: its own,
 * where it is Debian, so that its apt has a source for them. */
#include "codebase.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "model/envfile.h"
#include "model/name.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SUITE_ELSEWHERE "bookworm"

enum { FILE_MAX = 4 << 20, SUITE_TEXT = 64 };

int codebase_read(int dir, const char *name, struct buf *ret, struct error *err)
{
	if (file_read_at(dir, name, FILE_MAX, ret, err) < 0) {
		if (err->errnum == ENOENT)
			return 0;
		err->kind = ERROR_CONFIG;
		return -1;
	}
	buf_reserve(ret, 0); /* an empty file is an empty text */
	return 1;
}

/* ID and VERSION_CODENAME of os-release(5), whose syntax is that of systemd's env files. */
static void find_suite(char ret[SUITE_TEXT])
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_STRV struct strv items = { 0 };
	struct error ignored;
	const char *id, *name;

	(void)strcpy(ret, SUITE_ELSEWHERE);
	if (file_read_at(AT_FDCWD, "/usr/lib/os-release", FILE_MAX, &text, &ignored) < 0 ||
		envfile_parse(
			ENVFILE_SYSTEMD, "os-release", text.data, text.len, &items, &ignored) < 0)
		return;
	id = strv_env_get(&items, "ID");
	name = strv_env_get(&items, "VERSION_CODENAME");
	if (id && name && strcmp(id, "debian") == 0 && name_is(NAME_SUITE, name))
		(void)strcpy(ret, name); /* at most 63 */
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static void note_locks(int dir, struct strv *ret)
{
	static const char *const others[] = { "yarn.lock", "pnpm-lock.yaml", "Pipfile.lock",
		"poetry.lock", NULL };

	for (const char *const *name = others; *name; name++)
		if (is_there(dir, *name))
			strv_addf(ret, "%s is not read", *name);
}

/* Reads what is not given already. */
static int read_all(
	int dir, struct init_file *const *files, struct buf *texts, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int found = files[i]->text ? 0 : codebase_read(dir, files[i]->name, &texts[i], err);

		if (found < 0)
			return -1;
		if (!found)
			continue;
		files[i]->text = texts[i].data;
		files[i]->len = texts[i].len;
	}
	return 0;
}

int codebase_init(int dir, const char *path, const struct init_file *procfile, struct buf *ret,
	struct strv *ret_notes, struct error *err)
{
	CLEANUP_FREE char *absolute = realpath(path, NULL);
	const char *slash = absolute ? strrchr(absolute, '/') : NULL;
	char suite[SUITE_TEXT];
	struct init_input input = {
		.procfile = procfile ? *procfile : (struct init_file){ .name = "Procfile" },
		.app = { .name = "app.json" },
		.package = { .name = "package.json" },
		.requirements = { .name = "requirements.txt" },
		.npm_lock =
			is_there(dir, "package-lock.json") || is_there(dir, "npm-shrinkwrap.json"),
		.directory = slash ? slash + 1 : "app",
		.suite = suite,
	};
	struct init_file *const files[] = { &input.procfile, &input.app, &input.package,
		&input.requirements };
	struct buf texts[4] = { 0 };
	int result;

	find_suite(suite);
	note_locks(dir, ret_notes);
	result = read_all(dir, files, texts, 4, err);
	if (result == 0)
		result = init_manifest(&input, ret, ret_notes, err);
	for (size_t i = 0; i < 4; i++)
		buf_done(&texts[i]);
	return result;
}

int codebase_drop_processes(const struct buf *text, struct buf *ret, struct error *err)
{
	CLEANUP_JSON json_t *value = NULL;

	if (json_parse("isorun.json", text->data, text->len, &value, err) < 0)
		return -1;
	if (json_is_object(value))
		(void)json_object_del(value, "processes"); /* there or not */
	json_print(value, true, ret);
	return 0;
}
