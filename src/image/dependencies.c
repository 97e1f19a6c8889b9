/* The dependencies layer. Its key is the digest of everything its bytes follow from, so a layer
 * whose inputs are unchanged is found again without looking at one package.
 *
 * Declared files are staged and digested first: they are few, and the only input that is not
 * pinned by a digest already. */
#include "dependencies.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "copy.h"
#include "layer.h"
#include "package.h"
#include "place.h"
#include "setup.h"
#include "skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Counts changes of the code here and below that change a layer's bytes for the same inputs. */
enum { DEPENDENCIES_VERSION = 1 };

#define CACHE "dependencies"

static bool is_below_app(const char *target)
{
	return strncmp(target, "/app/", 5) == 0;
}

/* A declared file comes out of the codebase as built, else out of the working directory. */
static int copy_file(const struct dependencies *dependencies, const char *path, int root,
	const char *target, struct error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	CLEANUP_CLOSE int fd = (int)syscall(SYS_openat2, dependencies->app, path, &how, sizeof how);

	if (fd < 0)
		return source_copy(dependencies->source, path, root, target, err);
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

/* Stages the declared files outside /app and digests them as a layer of their own. */
static int stage_files(const struct dependencies *dependencies, int *ret_dir, struct digest *ret,
	struct error *err)
{
	CLEANUP_CLOSE int dir = file_open_dir(dependencies->work, "files", 0755, err);
	const struct layer_options options = { .plain_modes = true };

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

static void print_key(
	const struct dependencies *dependencies, const struct digest *files, struct digest *ret)
{
	const struct lock_set *set = &dependencies->lock->dependencies;
	CLEANUP_BUF struct buf text = { 0 };

	buf_addf(&text, "dependencies %d skeleton %d\n", DEPENDENCIES_VERSION, SKELETON_VERSION);
	buf_addf(&text, "date %lld\n", (long long)date_of(dependencies));
	buf_addf(&text, "files %s\n", files->hex);
	for (size_t i = 0; i < set->count; i++)
		buf_addf(&text, "package %s\n", set->packages[i].sha256.hex);
	digest_bytes(text.data, text.len, ret);
}

/* 1 where the layer of this key is known and still there. */
static int find_cached(const struct dependencies *dependencies, const struct digest *key,
	struct digest *ret, struct error *err)
{
	CLEANUP_CLOSE int cache = file_open_dir(dependencies->store->dir, CACHE, 0700, err);
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;

	if (cache < 0)
		return -1;
	if (file_read_at(cache, key->hex, 256, &text, &ignored) < 0 ||
		digest_parse(text.data, ret, &ignored) < 0)
		return 0; /* absent or damaged: the layer is made */
	return store_has_blob(dependencies->store, ret);
}

static int remember(const struct dependencies *dependencies, const struct digest *key,
	const struct digest *layer, struct error *err)
{
	CLEANUP_CLOSE int cache = file_open_dir(dependencies->store->dir, CACHE, 0700, err);

	if (cache < 0)
		return -1;
	return file_write_at(cache, key->hex, 0600, layer->hex, strlen(layer->hex), err);
}

static int unpack_packages(const struct dependencies *dependencies, const struct lock_set *set,
	int root, struct error *err)
{
	const struct package_fetch fetch = {
		.store = dependencies->store,
		.options = dependencies->options,
		.snapshot = dependencies->lock->snapshot,
		.work = dependencies->work,
		.work_path = dependencies->work_path,
	};

	if (!set->count)
		return 0;
	if (package_fetch(&fetch, set, err) < 0)
		return -1;
	if (dependencies->options->progress)
		dependencies->options->progress(
			dependencies->options->context, "unpacking packages");
	for (size_t i = 0; i < set->count; i++)
		if (package_unpack(dependencies->store, &set->packages[i], root, err) < 0)
			return -1;
	return setup_root(dependencies->store, set, root, err);
}

static int assemble(const struct dependencies *dependencies, int files, int root, struct error *err)
{
	const struct lock_set *set = &dependencies->lock->dependencies;

	if (skeleton_make_dirs(root, err) < 0 || unpack_packages(dependencies, set, root, err) < 0)
		return -1;
	if (skeleton_make_files(root, err) < 0)
		return -1;
	return copy_dir(files, NULL, root, "/", err);
}

int dependencies_ensure(
	const struct dependencies *dependencies, struct digest *ret, struct error *err)
{
	CLEANUP_CLOSE int files = -1;
	CLEANUP_CLOSE int root = -1;
	struct layer_options options = { .date = date_of(dependencies) };
	struct digest key, staged;
	int found;

	if (stage_files(dependencies, &files, &staged, err) < 0)
		return -1;
	print_key(dependencies, &staged, &key);
	found = find_cached(dependencies, &key, ret, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	root = file_open_dir(dependencies->work, "root", 0755, err);
	if (root < 0 || assemble(dependencies, files, root, err) < 0 ||
		layer_pack(dependencies->store, root, &options, ret, err) < 0)
		return -1;
	return remember(dependencies, &key, ret, err);
}
