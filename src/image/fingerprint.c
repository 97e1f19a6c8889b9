/* What a codebase is, as one digest. A clean commit is its own name; of any other state every file
 * that would enter a build is read, for size and time of a file that changed within one tick of the
 * clock are what they were.
 *
 * Every text is preceded by its length, so that no two states make the same bytes. */
#include "fingerprint.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "root.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_FILE "isorun.lock"

static void add_bytes(struct digest_state *state, const void *data, uint64_t len)
{
	digest_add(state, &len, sizeof len);
	digest_add(state, data, len);
}

/* NULL is no text, which is not the empty one. */
static void add_text(struct digest_state *state, const char *text)
{
	const uint64_t absent = UINT64_MAX;

	if (text)
		add_bytes(state, text, strlen(text));
	else
		digest_add(state, &absent, sizeof absent);
}

static int add_link(struct digest_state *state, int dir, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(dir, name, target, sizeof target);

	if (len < 0)
		return error_errno(err, "%s", name);
	add_text(state, "link");
	add_bytes(state, target, (uint64_t)len);
	return 0;
}

static int add_below(
	struct digest_state *state, int dir, const char *const *but, struct error *err);

/* Contents, kind, and of the modes what a build keeps: whether the owner may execute. */
static int add_open(struct digest_state *state, int fd, struct error *err)
{
	struct digest digest;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_errno(err, "look at it");
	if (S_ISDIR(status.st_mode))
		return add_below(state, fd, NULL, err);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_FAILED, "neither a file nor a directory");
	if (digest_file(fd, &digest, NULL, err) < 0)
		return -1;
	add_text(state, status.st_mode & S_IXUSR ? "program" : "file");
	add_text(state, digest.hex);
	return 0;
}

static int add_entry(struct digest_state *state, int dir, const char *name, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;

	add_text(state, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return add_link(state, dir, name, err);
	if (fd < 0)
		return error_errno(err, "%s", name);
	return add_open(state, fd, err) < 0 ? error_wrap(err, "%s", name) : 0;
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static int add_below(struct digest_state *state, int dir, const char *const *but, struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };

	if (root_list_at(dir, &names) < 0)
		return error_errno(err, "list");
	add_text(state, "directory");
	for (size_t i = 0; i < names.len; i++)
		if (!is_listed(but, names.items[i]) &&
			add_entry(state, dir, names.items[i], err) < 0)
			return -1;
	add_text(state, NULL); /* its end */
	return 0;
}

/* isorun.lock is the build's to write; who wants it in names it among the inputs. */
static int add_source(struct digest_state *state, const struct source *source, struct error *err)
{
	static const char *const but[] = { ".git", ".env", LOCK_FILE, NULL };
	CLEANUP_STRV struct strv paths = { 0 };

	add_text(state, source->commit);
	add_text(state, source->remote);
	add_text(state, source->tree);
	if (source->tree)
		return 0;
	if (!source->listed)
		return add_below(state, source->dir, but, err);
	if (source_list(source, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.len; i++)
		if (strcmp(paths.items[i], LOCK_FILE) != 0 &&
			add_entry(state, source->dir, paths.items[i], err) < 0)
			return -1;
	return 0;
}

/* What stands at a path of the codebase, or that nothing does. */
static int add_input(struct digest_state *state, const struct source *source, const char *path,
	struct error *err)
{
	CLEANUP_CLOSE int fd = source_open_file(source, path, err);

	add_text(state, path);
	if (fd < 0 && err->errnum != ENOENT)
		return -1;
	add_text(state, fd < 0 ? NULL : "there");
	return fd < 0 ? 0 : add_open(state, fd, err);
}

int fingerprint_take(const struct build_options *options, const struct strv *inputs,
	struct digest *ret, struct error *err)
{
	__attribute__((cleanup(source_done))) struct source source = { .dir = -1 };
	struct digest_state state;

	if (source_open(options->dir, options->allow_dirty, &source, err) < 0)
		return -1;
	digest_begin(&state);
	add_text(&state, ISORUN_VERSION);
	add_text(&state, options->manifest);
	add_text(&state, options->procfile);
	if (add_source(&state, &source, err) < 0)
		return -1;
	for (size_t i = 0; i < inputs->len; i++)
		if (add_input(&state, &source, inputs->items[i], err) < 0)
			return -1;
	digest_end(&state, ret);
	return 0;
}
