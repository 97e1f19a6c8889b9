/* What a codebase's own git configuration would have git do. It is part of no commit, but it comes
 * along in an archive, a shared directory or a cache; and git runs what it names while it looks at
 * files (filters) or for objects that are missing (a partial clone), as whoever builds. So it is
 * read before git is asked anything else, and one that names such a thing is refused. Reading it
 * runs nothing. What the caller's own configuration says is the caller's.
 *
 * Settings that git.c overrides with -c (hooks, the file system monitor) are not among them. */
#include "git.h"

#include "base/cleanup.h"
#include "tool.h"

#include <string.h>

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), end = strlen(with);

	return len > end && strcmp(text + len - end, with) == 0;
}

/* Names come in lower case, but for their middle part. */
static bool is_dangerous(const char *name)
{
	static const char *const names[] = { "core.sshcommand", "core.gitproxy", "core.askpass",
		"core.alternaterefscommand", "extensions.partialclone", NULL };

	for (const char *const *known = names; *known; known++)
		if (strcmp(name, *known) == 0)
			return true;
	if (starts(name, "filter."))
		return ends(name, ".clean") || ends(name, ".smudge") || ends(name, ".process");
	if (starts(name, "remote."))
		return ends(name, ".promisor") || ends(name, ".partialclonefilter") ||
		       ends(name, ".vcs") || ends(name, ".uploadpack");
	if (starts(name, "lfs.")) /* which reaches the caller's own git-lfs */
		return ends(name, ".clean") || ends(name, ".smudge") || ends(name, ".path");
	return starts(name, "credential.") && ends(name, "helper");
}

static int refuse(const char *name, struct error *err)
{
	error_set(err, ERROR_INTEGRITY,
		"git: this repository's own configuration has %.100s, by which git runs programs",
		name);
	return error_hint(err, "build a fresh clone of it, or git config --unset-all %.80s", name);
}

int git_check_config(int dir, struct error *err)
{
	static const char *const words[] = { "git", "config", "--list", "--name-only",
		"--show-scope", "-z", NULL };
	CLEANUP_STRV struct strv argv = { 0 }, env = { 0 };
	CLEANUP_BUF struct buf text = { 0 };
	const char *at, *end;

	for (const char *const *word = words; *word; word++)
		strv_add(&argv, *word);
	tool_env(&env);
	if (tool_run(&(struct tool){ .argv = &argv, .env = &env, .dir = dir, .in = -1 }, &text,
		    err) < 0)
		return -1;
	buf_reserve(&text, 0);
	end = text.data + text.len;
	for (at = text.data; at < end;) {
		const char *scope = at, *name = at + strlen(at) + 1;

		if (name >= end)
			break;
		if ((strcmp(scope, "local") == 0 || strcmp(scope, "worktree") == 0) &&
			is_dangerous(name))
			return refuse(name, err);
		at = name + strlen(name) + 1;
	}
	return 0;
}
