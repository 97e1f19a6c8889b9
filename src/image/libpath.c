/* The loader's search path, read from the root that is being proven, never from the host. */
#include "libpath.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

#define CONFIG "/etc/ld.so.conf"

enum { INCLUDES_MAX = 4 };

void libpath_add_default(struct strv *ret)
{
	static const char *const fixed[] = { "/lib/" LIBPATH_TRIPLET, "/usr/lib/" LIBPATH_TRIPLET,
		"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", NULL };

	/* the last is musl's; ldconfig's configuration names it on glibc systems */
	for (const char *const *dir = fixed; *dir; dir++)
		strv_add(ret, *dir);
}

static int read_config(const struct root *root, const char *path, unsigned depth, struct strv *ret,
	struct error *err);

/* include /etc/ld.so.conf.d/ *.conf: a pattern in the last component only. */
static int read_included(const struct root *root, const char *pattern, unsigned depth,
	struct strv *ret, struct error *err)
{
	const char *slash = strrchr(pattern, '/');
	CLEANUP_STRV struct strv names = { 0 };
	CLEANUP_FREE char *dir = NULL;

	if (pattern[0] != '/' || slash == pattern)
		return 0;
	dir = memory_format("%.*s", (int)(slash - pattern), pattern);
	if (root_list(root, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP_FREE char *path = memory_format("%s/%s", dir, names.items[i]);

		if (fnmatch(slash + 1, names.items[i], FNM_PERIOD) == 0 &&
			read_config(root, path, depth + 1, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int read_line(
	const struct root *root, char *line, unsigned depth, struct strv *ret, struct error *err)
{
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t");
	if (strncmp(line, "include", 7) == 0 && (line[7] == ' ' || line[7] == '\t')) {
		line += 7 + strspn(line + 7, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		return read_included(root, line, depth, ret, err);
	}
	line[strcspn(line, " \t\r")] = '\0';
	if (line[0] == '/' && !strv_has(ret, line))
		strv_add(ret, line);
	return 0;
}

static int read_config(const struct root *root, const char *path, unsigned depth, struct strv *ret,
	struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	size_t size;
	const char *data;
	CLEANUP_FREE char *text = NULL;
	char *rest = NULL;
	int found = root_find(root, path, canonical, &status, err);

	if (found <= 0 || depth > INCLUDES_MAX)
		return found < 0 ? -1 : 0;
	data = root_map(root, canonical, &size);
	text = memory_format("%.*s", (int)(size < 1 << 20 ? size : 1 << 20), data ? data : "");
	root_unmap(data, size);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (read_line(root, line, depth, ret, err) < 0)
			return -1;
	return 0;
}

int libpath_add_configured(const struct root *root, struct strv *ret, struct error *err)
{
	return read_config(root, CONFIG, 0, ret, err);
}

struct token {
	const char *name;
	const char *value;
};

/* Appends the value of the token that text starts with (behind its '$') and returns its length. */
static size_t expand_token(
	const char *text, const struct token *tokens, size_t count, struct buf *ret)
{
	bool braces = text[0] == '{';

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(tokens[i].name);

		if (strncmp(text + braces, tokens[i].name, len) != 0 ||
			(braces && text[1 + len] != '}'))
			continue;
		buf_add_str(ret, tokens[i].value);
		return len + 2 * braces;
	}
	return 0;
}

static void add_one(const char *text, size_t len, const char *origin, struct strv *ret)
{
	const struct token tokens[] = {
		{ "ORIGIN", origin },
		{ "LIB", "lib/" LIBPATH_TRIPLET },
	};
	CLEANUP_BUF struct buf dir = { 0 };

	for (size_t i = 0; i < len; i++) {
		size_t skipped = text[i] == '$' ? expand_token(text + i + 1, tokens,
							  sizeof tokens / sizeof *tokens, &dir)
						: 0;

		if (skipped)
			i += skipped;
		else
			buf_add(&dir, text + i, 1);
	}
	if (dir.len)
		strv_add(ret, dir.data);
}

void libpath_add_expanded(const char *text, const char *origin, struct strv *ret)
{
	while (*text) {
		size_t len = strcspn(text, ":");

		add_one(text, len, origin, ret);
		text += len + (text[len] == ':');
	}
}
