/* The codebase. A clean build takes nothing from the working directory: its files come out of the
 * commit, so whatever lies around cannot get in. The exceptions are said by name in the manifest:
 * dependencies.files, which exist to bring what is built or downloaded and never committed. */
#include "source.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "copy.h"
#include "git.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LOCK_FILE "isorun.lock"
#define ENV_FILE  ".env"

/* Takes files of this name out of the list; whether there was one. */
static bool drop(struct strv *paths, const char *name)
{
	struct strv kept = { 0 };
	size_t before = paths->len;

	for (size_t i = 0; i < paths->len; i++) {
		const char *slash = strrchr(paths->items[i], '/');

		if (strcmp(slash ? slash + 1 : paths->items[i], name) != 0)
			strv_add(&kept, paths->items[i]);
	}
	strv_done(paths);
	*paths = kept;
	return paths->len < before;
}

static int refuse_changes(const struct git_changes *changes, struct error *err)
{
	if (changes->changed.len == 1)
		error_set(err, ERROR_INTEGRITY, "%s differs from what is committed",
			changes->changed.items[0]);
	else
		error_set(err, ERROR_INTEGRITY, "%s and %zu more differ from what is committed",
			changes->changed.items[0], changes->changed.len - 1);
	return error_hint(err, "commit it, or build with --allow-dirty");
}

/* Fills source from the repository's head. */
static int read_provenance(struct source *source, bool allow_dirty, struct error *err)
{
	__attribute__((cleanup(git_head_done))) struct git_head head = { 0 };
	__attribute__((cleanup(git_changes_done))) struct git_changes changes = { 0 };
	bool found;

	if (git_read_state(source->dir, &found, &head, &changes, err) < 0) {
		if (!allow_dirty || err->kind != ERROR_INTEGRITY)
			return -1;
		source->dirty = source->listed = true; /* nothing is committed yet */
		return 0;
	}
	if (!found && !allow_dirty) {
		error_set(err, ERROR_INTEGRITY, "not a git checkout");
		return error_hint(err, "commit it, or build with --allow-dirty");
	}
	source->dirty = !found;
	source->listed = found;
	if (!found)
		return 0;
	source->lock_differs = drop(&changes.changed, LOCK_FILE);
	source->lock_differs = drop(&changes.untracked, LOCK_FILE) || source->lock_differs;
	(void)drop(&changes.untracked, ENV_FILE); /* there or not, it is not looked at */
	if (changes.changed.len && !allow_dirty)
		return refuse_changes(&changes, err);
	source->dirty = allow_dirty && (changes.changed.len || changes.untracked.len);
	source->date = head.date;
	source->commit = memory_format("%s%s", head.commit, source->dirty ? "+dirty" : "");
	source->tree = source->dirty ? NULL : memory_copy_str(head.tree);
	source->remote = STEAL(head.remote);
	if (!source->dirty)
		strv_add_all(&source->left_out, &changes.untracked);
	return 0;
}

int source_open(const char *path, bool allow_dirty, struct source *ret, struct error *err)
{
	struct source source = { .dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

	if (source.dir < 0)
		return error_errno(err, "%s", path);
	if (read_provenance(&source, allow_dirty, err) < 0) {
		source_done(&source);
		return error_wrap(err, "%s", path);
	}
	*ret = source;
	return 0;
}

void source_done(struct source *source)
{
	cleanup_close(&source->dir);
	free(source->commit);
	free(source->tree);
	free(source->remote);
	strv_done(&source->left_out);
	*source = (struct source){ .dir = -1 };
}

int source_list(const struct source *source, struct strv *ret, struct error *err)
{
	CLEANUP_STRV struct strv paths = { 0 };

	if (!source->listed)
		return 0;
	if (git_list_files(source->dir, ENV_FILE, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.len; i++)
		if (faccessat(source->dir, paths.items[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			strv_add(ret, paths.items[i]); /* else deleted, and that not committed */
	return 0;
}

static int export_listed(const struct source *source, int root, const char *app, struct error *err)
{
	CLEANUP_STRV struct strv paths = { 0 };

	if (source_list(source, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.len; i++) {
		CLEANUP_FREE char *target = memory_format("%s/%s", app, paths.items[i]);

		if (copy_entry(source->dir, paths.items[i], root, target, err) < 0)
			return -1;
	}
	return 0;
}

int source_export(const struct source *source, int root, const char *app, struct error *err)
{
	static const char *const but[] = { ".git", ENV_FILE, NULL };

	if (place_dir(root, app, 0755, err) < 0)
		return -1;
	if (source->tree)
		return git_export(source->dir, source->tree, root, app, err);
	if (source->listed)
		return export_listed(source, root, app, err);
	return copy_dir(source->dir, but, root, app, err);
}

int source_open_file(const struct source *source, const char *path, struct error *err)
{
	int fd = place_open_beneath(source->dir, path);

	if (fd < 0 && errno == EXDEV)
		return error_set(err, ERROR_CONFIG, "%s: outside the codebase", path);
	return fd < 0 ? error_errno(err, "%s", path) : fd;
}
