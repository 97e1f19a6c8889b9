/* The dependencies layer. Its key is the digest of everything its bytes follow from, so a layer
 * whose inputs are unchanged is found again without looking at one package.
 *
 * Declared files are staged and digested first: they are few, and the only input that is not
 * pinned by a digest already. */
#include "dependencies.h"

#include "base.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "copy.h"
#include "layer.h"
#include "package.h"
#include "place.h"
#include "postinst.h"
#include "skeleton.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Counts changes of the code here and below that change a layer's bytes for the same inputs. */
enum { DEPENDENCIES_VERSION = 1 };

#define CACHE "dependencies"

static bool is_below_app(const char *target)
{
	return strncmp(target, "/app/", 5) == 0;
}

/* What the manifest names comes out of the codebase as built, else out of the working directory. */
static int open_file(const struct dependencies *dependencies, const char *path, struct error *err)
{
	int fd = place_open_beneath(dependencies->app, path);

	return fd >= 0 ? fd : source_open_file(dependencies->source, path, err);
}

static int copy_file(const struct dependencies *dependencies, const char *path, int root,
	const char *target, struct error *err)
{
	CLEANUP_CLOSE int fd = open_file(dependencies, path, err);

	if (fd < 0)
		return -1;
	return copy_open(fd, root, target, err) < 0 ? error_wrap(err, "%s", path) : 0;
}

int dependencies_copy_files(
	const struct dependencies *dependencies, bool below_app, int root, struct error *err)
{
	const struct strv *files = &dependencies->manifest->files;

	for (size_t i = 0; i + 1 < files->len; i += 2) {
		const char *target = files->items[i];

		if (is_below_app(target) == below_app &&
			copy_file(dependencies, files->items[i + 1], root, target, err) < 0)
			return error_wrap(err, "dependencies.files");
	}
	return 0;
}

static bool has_files(const struct strv *files)
{
	for (size_t i = 0; i + 1 < files->len; i += 2)
		if (!is_below_app(files->items[i]))
			return true;
	return false;
}

/* Stages the declared files outside /app and digests them as a layer of their own. */
static int stage_files(const struct dependencies *dependencies, int *ret_dir, struct digest *ret,
	struct error *err)
{
	const struct layer_options options = { .plain_modes = true };
	CLEANUP_CLOSE int dir = -1;

	*ret = (struct digest){ "" };
	if (!has_files(&dependencies->manifest->files))
		return 0;
	dir = file_open_dir(dependencies->work, "files", 0755, err);
	if (dir < 0 || dependencies_copy_files(dependencies, false, dir, err) < 0 ||
		layer_digest(dir, &options, ret, err) < 0)
		return -1;
	*ret_dir = steal_fd(&dir);
	return 0;
}

/* With a lock file the layer carries its date and not the commit's, so that all commits that share
 * the lock share the layer. */
static int64_t date_of(const struct dependencies *dependencies)
{
	const char *date = dependencies->lock->date;
	struct tm parts = { 0 };

	if (!date || !strptime(date, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return dependencies->source->date;
	return (int64_t)timegm(&parts);
}

/* What one layer is made of, and its key. */
struct recipe {
	const struct dependencies *from;
	const struct lock_set *set;
	int base;  /* the base archive; -1: none */
	int files; /* staged files; -1: none */
	const char *work_name;
	struct digest key;
};

static int open_base(const struct dependencies *dependencies, struct recipe *recipe,
	struct digest *ret, struct error *err)
{
	const char *path = dependencies->manifest->base;

	if (!path)
		return 0;
	recipe->base = open_file(dependencies, path, err);
	if (recipe->base < 0 || digest_file(recipe->base, ret, NULL, err) < 0)
		return error_wrap(err, "dependencies.base");
	return 0;
}

static int set_key(struct recipe *recipe, const struct digest *files, struct error *err)
{
	const struct dependencies *dependencies = recipe->from;
	CLEANUP_BUF struct buf text = { 0 };
	struct digest base = { "" };

	if (open_base(dependencies, recipe, &base, err) < 0)
		return -1;
	buf_addf(&text, "dependencies %d skeleton %d\n", DEPENDENCIES_VERSION, SKELETON_VERSION);
	buf_addf(&text, "date %lld\n", (long long)date_of(dependencies));
	buf_addf(&text, "base %s\nfiles %s\n", base.hex, files->hex);
	for (size_t i = 0; i < recipe->set->count; i++)
		buf_addf(&text, "package %s\n", recipe->set->packages[i].sha256.hex);
	digest_bytes(text.data, text.len, &recipe->key);
	return 0;
}

/* 1 where the layer of this key is known and still there. */
static int find_cached(const struct recipe *recipe, struct digest *ret, struct error *err)
{
	const struct store *store = recipe->from->store;
	CLEANUP_CLOSE int cache = file_open_dir(store->dir, CACHE, 0700, err);
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;

	if (cache < 0)
		return -1;
	if (file_read_at(cache, recipe->key.hex, 256, &text, &ignored) < 0 ||
		digest_parse(text.data, ret, &ignored) < 0)
		return 0; /* absent or damaged: the layer is made */
	return store_has_blob(store, ret);
}

static int remember(const struct recipe *recipe, const struct digest *layer, struct error *err)
{
	CLEANUP_CLOSE int cache = file_open_dir(recipe->from->store->dir, CACHE, 0700, err);

	if (cache < 0)
		return -1;
	return file_write_at(cache, recipe->key.hex, 0600, layer->hex, strlen(layer->hex), err);
}

static int unpack_packages(const struct recipe *recipe, int root, struct error *err)
{
	const struct dependencies *dependencies = recipe->from;
	const struct build_options *options = dependencies->options;
	const struct package_fetch fetch = {
		.store = dependencies->store,
		.options = options,
		.snapshot = dependencies->lock->snapshot,
		.work = dependencies->work,
		.work_path = dependencies->work_path,
	};

	if (!recipe->set->count)
		return 0;
	if (package_fetch(&fetch, recipe->set, err) < 0)
		return -1;
	if (options->progress)
		options->progress(options->context, "unpacking packages");
	for (size_t i = 0; i < recipe->set->count; i++)
		if (package_unpack(dependencies->store, &recipe->set->packages[i], root, err) < 0)
			return -1;
	return postinst_replace(dependencies->store, recipe->set, root, err);
}

static int assemble(const struct recipe *recipe, int root, struct error *err)
{
	if (recipe->base >= 0 && base_unpack(recipe->from->store, recipe->base,
					 recipe->from->manifest->base, root, err) < 0)
		return error_wrap(err, "dependencies.base");
	if (skeleton_make_dirs(root, err) < 0 || unpack_packages(recipe, root, err) < 0 ||
		skeleton_make_files(root, err) < 0)
		return -1;
	return recipe->files < 0 ? 0 : copy_dir(recipe->files, NULL, root, "/", err);
}

static int ensure(
	struct recipe *recipe, const struct digest *files, struct digest *ret, struct error *err)
{
	struct layer_options options = { .date = date_of(recipe->from) };
	CLEANUP_CLOSE int lock = -1;
	CLEANUP_CLOSE int root = -1;
	int found = set_key(recipe, files, err);

	if (found == 0)
		found = find_cached(recipe, ret, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	lock = store_lock(recipe->from->store, "dependencies", recipe->key.hex, err);
	found = lock < 0 ? -1 : find_cached(recipe, ret, err); /* another build may have made it */
	if (found != 0)
		return found < 0 ? -1 : 0;
	root = file_open_dir(recipe->from->work, recipe->work_name, 0755, err);
	if (root < 0 || assemble(recipe, root, err) < 0 ||
		layer_pack(recipe->from->store, root, &options, ret, err) < 0)
		return -1;
	return remember(recipe, ret, err);
}

int dependencies_ensure(
	const struct dependencies *dependencies, struct digest *ret, struct error *err)
{
	struct recipe recipe = { .from = dependencies,
		.set = &dependencies->lock->dependencies,
		.base = -1,
		.files = -1,
		.work_name = "root" };
	struct digest staged;
	int result = stage_files(dependencies, &recipe.files, &staged, err);

	if (result == 0)
		result = ensure(&recipe, &staged, ret, err);
	cleanup_close(&recipe.base);
	cleanup_close(&recipe.files);
	return result;
}

int dependencies_ensure_build(
	const struct dependencies *dependencies, struct digest *ret, struct error *err)
{
	const struct lock *lock = dependencies->lock;
	struct recipe recipe = { .from = dependencies,
		.set = lock->build.count ? &lock->build : &lock->dependencies,
		.base = -1,
		.files = -1,
		.work_name = "build-root" };
	const struct digest none = { "" };
	int result = ensure(&recipe, &none, ret, err);

	cleanup_close(&recipe.base);
	return result;
}
