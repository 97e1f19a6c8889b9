/* isorun build, from codebase to image. In order: where the codebase comes from and whether it is
 * clean; its files and its manifest; the build command; the two layers; the proof that what is in
 * them suffices; the documents. Everything is made in a scratch directory of the store, and the
 * last thing written is the image manifest, whose digest is the result.
 *
 * Deliberately absent: running anything of the codebase (the caller's callback does), and writing
 * the tar (image/layout). */
#include "image/build.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "build_config.h"
#include "closure.h"
#include "dependencies.h"
#include "layer.h"
#include "lockfile.h"
#include "model/manifest.h"
#include "root.h"
#include "source.h"
#include "store/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST_FILE "isorun.json"
#define PROCFILE      "Procfile"

enum { MANIFEST_MAX = 1 << 20, TMP_NAME = 80, REF_DIGITS = 12, LAYERS = 2 };

/* All that one build holds open. */
struct work {
	const struct store *store;
	const struct build_options *options;
	struct source source;
	struct manifest manifest;
	struct lockfile lockfile;
	char tmp_name[TMP_NAME];
	char *tmp_path;
	int tmp; /* scratch directory */
	int top; /* in it: the root of the app layer */
	int app; /* in that: /app */
};

static void work_done(struct work *work)
{
	struct error ignored;

	cleanup_close(&work->app);
	cleanup_close(&work->top);
	if (work->tmp >= 0) /* what cannot be removed now is swept at the next start */
		(void)file_remove_tree(work->store->dir, work->tmp_name, &ignored);
	cleanup_close(&work->tmp);
	free(work->tmp_path);
	lockfile_done(&work->lockfile);
	manifest_done(&work->manifest);
	source_done(&work->source);
}

static void tell_step(const struct build_options *options, const char *step)
{
	if (options->progress)
		options->progress(options->context, step);
}

static void tell_left_out(const struct work *work)
{
	CLEANUP_BUF struct buf line = { 0 };
	const struct strv *paths = &work->source.left_out;

	if (!paths->len || !work->options->notice)
		return;
	if (paths->len == 1)
		buf_addf(&line, "%s is not committed and not in the build", paths->items[0]);
	else
		buf_addf(&line, "%s and %zu more are not committed and not in the build",
			paths->items[0], paths->len - 1);
	work->options->notice(work->options->context, line.data);
}

/* The text given in place of a file, else name below /app; an absent one is 0, a read one 1. */
static int read_app_file(const struct work *work, const char *given, const char *name,
	struct buf *ret, struct error *err)
{
	if (given) {
		buf_add_str(ret, given);
		return 1;
	}
	if (file_read_at(work->app, name, MANIFEST_MAX, ret, err) == 0)
		return 1;
	return err->errnum == ENOENT ? 0 : -1;
}

/* What a codebase with a Procfile alone is called: its directory. */
static char *manifest_by_name(const struct work *work)
{
	CLEANUP_FREE char *path = realpath(work->options->dir, NULL);
	const char *slash = path ? strrchr(path, '/') : NULL;
	CLEANUP_JSON json_t *value = json_pack("{s:s}", "name", slash ? slash + 1 : "app");
	struct buf text = { 0 };

	if (value)
		json_print(value, false, &text);
	return buf_take(&text);
}

static int read_manifest(struct work *work, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_BUF struct buf procfile = { 0 };
	CLEANUP_FREE char *made = NULL;
	int has_manifest = read_app_file(work, work->options->manifest, MANIFEST_FILE, &text, err);
	int has_procfile = has_manifest < 0 ? -1
					    : read_app_file(work, work->options->procfile, PROCFILE,
						      &procfile, err);

	if (has_manifest < 0 || has_procfile < 0)
		return -1;
	if (!has_manifest && !has_procfile) {
		error_set(err, ERROR_CONFIG, "%s: neither %s nor %s %s", work->options->dir,
			MANIFEST_FILE, PROCFILE,
			work->source.tree ? "is in the commit" : "is there");
		return error_hint(err, "isorun init writes one from package.json and the like");
	}
	if (!has_manifest) {
		made = manifest_by_name(work);
		buf_add_str(&text, made);
	}
	return manifest_parse(MANIFEST_FILE, text.data ? text.data : "", text.len,
		has_procfile ? procfile.data ? procfile.data : "" : NULL, &work->manifest, err);
}

static int open_scratch(struct work *work, struct error *err)
{
	work->tmp = store_make_tmp(work->store, work->tmp_name, err);
	if (work->tmp < 0)
		return -1;
	work->tmp_path = memory_format("%s/%s", work->store->path, work->tmp_name);
	work->top = file_open_dir(work->tmp, "top", 0755, err);
	if (work->top < 0)
		return -1;
	work->app = file_open_dir(work->top, "app", 0755, err);
	return work->app < 0 ? -1 : 0;
}

/* Proves the closure on the trees as they will be mounted. */
static int prove(const struct work *work, const struct digest *dependencies, struct error *err)
{
	CLEANUP_FREE char *tree = NULL;
	CLEANUP_CLOSE int dir = -1;

	if (tree_ensure(work->store, dependencies, &tree, err) < 0)
		return -1;
	dir = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "%s", tree);
	return closure_prove(&(struct root){ dir, work->top }, &work->manifest, err);
}

/* Runs the build command on a root of its own; only what it leaves in /app counts. */
static int run_command(
	const struct work *work, const struct dependencies *dependencies, struct error *err)
{
	const struct build_options *options = work->options;
	CLEANUP_FREE char *app = memory_format("%s/top/app", work->tmp_path);
	CLEANUP_FREE char *tree = NULL;
	CLEANUP_STRV struct strv layers = { 0 };
	const struct build_command command = {
		.layers = &layers,
		.app = app,
		.argv = &work->manifest.build_argv,
		.date = work->source.date,
		.network = work->manifest.build_network,
	};
	struct digest root;

	if (!work->manifest.build_argv.len)
		return 0;
	if (!options->command)
		return error_set(err, ERROR_UNSUPPORTED, "build.command: nothing to run it with");
	if (dependencies_ensure_build(dependencies, &root, err) < 0 ||
		tree_ensure(work->store, &root, &tree, err) < 0)
		return -1;
	strv_add(&layers, tree);
	tell_step(options, "running build.command");
	tell_step(options, NULL); /* from here on the command's own output is the progress */
	if (options->command(options->context, &command, err) < 0)
		return error_wrap(err, "build.command");
	return 0;
}

static int make_layers(struct work *work, struct digest layers[LAYERS], struct error *err)
{
	const struct layer_options options = { .date = work->source.date, .plain_modes = true };
	const struct dependencies dependencies = {
		.store = work->store,
		.options = work->options,
		.source = &work->source,
		.manifest = &work->manifest,
		.lock = &work->lockfile.lock,
		.work = work->tmp,
		.work_path = work->tmp_path,
		.app = work->app,
	};

	if (run_command(work, &dependencies, err) < 0 ||
		dependencies_ensure(&dependencies, &layers[0], err) < 0 ||
		dependencies_copy_files(&dependencies, true, work->top, err) < 0 ||
		prove(work, &layers[0], err) < 0)
		return -1;
	return layer_pack(work->store, work->top, &options, &layers[1], err);
}

static int open_lockfile(struct work *work, struct error *err)
{
	const struct lockfile_request request = {
		.options = work->options,
		.source = &work->source,
		.manifest = &work->manifest,
		.work = work->tmp,
		.work_path = work->tmp_path,
	};

	return lockfile_open(&request, &work->lockfile, err);
}

static int keep_lockfile(const struct work *work, struct error *err)
{
	if (lockfile_keep(&work->lockfile, &work->source, err) < 0)
		return -1;
	if (!work->lockfile.lock.date || !work->options->notice)
		return 0;
	if (work->lockfile.fresh)
		work->options->notice(work->options->context,
			"isorun.lock is new: commit it, so that this build can be made again");
	else if (work->source.lock_differs)
		work->options->notice(work->options->context,
			"isorun.lock is not as committed: commit it, so that this build can be "
			"made again");
	return 0;
}

static int make_build(struct work *work, struct build *ret, struct error *err)
{
	struct digest layers[LAYERS];
	const struct build_config document = {
		.manifest = &work->manifest,
		.source = &work->source,
		.layers = layers,
		.layer_count = LAYERS,
	};

	if (open_scratch(work, err) < 0)
		return -1;
	if (source_export(&work->source, work->top, "app", err) < 0)
		return error_wrap(err, "%s", work->options->dir);
	if (read_manifest(work, err) < 0)
		return -1;
	tell_left_out(work);
	if (open_lockfile(work, err) < 0)
		return -1;
	if (make_layers(work, layers, err) < 0)
		return -1;
	if (build_config_store(work->store, &document, &ret->id, err) < 0)
		return -1;
	return keep_lockfile(work, err);
}

static bool is_full(const struct error *err)
{
	return err->errnum == ENOSPC || err->errnum == EDQUOT;
}

int build_codebase(const struct store *store, const struct build_options *options,
	struct build *ret, struct error *err)
{
	__attribute__((cleanup(work_done))) struct work work = { .store = store,
		.options = options,
		.source.dir = -1,
		.tmp = -1,
		.top = -1,
		.app = -1 };
	const char *commit;

	if (source_open(options->dir, options->allow_dirty, &work.source, err) < 0 ||
		make_build(&work, ret, err) < 0) {
		tell_step(options, NULL);
		if (is_full(err) && !strstr(err->text, store->path))
			return store_error(store, err);
		return -1;
	}
	tell_step(options, NULL);
	commit = work.source.commit ? work.source.commit : "latest";
	ret->date = work.source.date;
	ret->ref = memory_format("%s:%.*s%s", work.manifest.name, REF_DIGITS, commit,
		work.source.commit && work.source.dirty ? "-dirty" : "");
	return 0;
}

void build_done(struct build *build)
{
	free(build->ref);
	*build = (struct build){ 0 };
}
