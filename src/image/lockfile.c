/* The lock file. With one, nothing is resolved and no list is fetched: the versions are what it
 * says. The root that the build command runs on is the app's packages and the build's own together,
 * resolved at once so that they agree. */
#include "lockfile.h"

#include "apt.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

#define LOCK_FILE "isorun.lock"

enum { LOCK_MAX = 8 << 20 };

static bool has_package(const struct lock_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->packages[i].name, name) == 0)
			return true;
	return false;
}

static int hint_update(struct error *err)
{
	return error_hint(err, "isorun build --update");
}

/* The root that the build command runs on has the app's packages too, where the suites agree. */
static void list_build(const struct manifest *manifest, struct strv *ret)
{
	if (!manifest->build_packages.len)
		return;
	strv_add_all(ret, &manifest->build_packages);
	if (manifest->suite && strcmp(manifest->suite, manifest->build_suite) == 0)
		strv_add_all(ret, &manifest->packages);
}

/* Whether a set is for exactly these packages. One that does not say what it was resolved for
 * must at least have them. */
static int check_set(const struct lock_set *set, const char *suite, const struct strv *packages,
	struct error *err)
{
	if (packages->len && (!set->suite || strcmp(set->suite, suite) != 0)) {
		error_set(err, ERROR_CONFIG, LOCK_FILE ": is for suite %s, not %s",
			set->suite ? set->suite : "none", suite);
		return hint_update(err);
	}
	for (size_t i = 0; i < packages->len; i++) {
		const char *name = packages->items[i];

		if (set->requested.len ? strv_has(&set->requested, name) : has_package(set, name))
			continue;
		error_set(err, ERROR_CONFIG, LOCK_FILE ": has no package %s", name);
		return hint_update(err);
	}
	for (size_t i = 0; i < set->requested.len; i++) {
		if (strv_has(packages, set->requested.items[i]))
			continue;
		error_set(err, ERROR_CONFIG,
			LOCK_FILE ": was made with package %s, which is not declared any more",
			set->requested.items[i]);
		return hint_update(err);
	}
	return 0;
}

static int check(const struct lock *lock, const struct manifest *manifest, struct error *err)
{
	CLEANUP_STRV struct strv build = { 0 };

	if (check_set(&lock->dependencies, manifest->suite, &manifest->packages, err) < 0)
		return -1;
	list_build(manifest, &build);
	return check_set(&lock->build, manifest->build_suite, &build, err);
}

static int resolve_set(const struct lockfile_request *request, const char *suite,
	const struct strv *packages, struct lock_set *ret, struct error *err)
{
	__attribute__((cleanup(apt_done))) struct apt apt = { .dir = -1 };
	CLEANUP_FREE char *path = memory_format("%s/apt-%s", request->work_path, suite);

	if (!packages->len)
		return 0;
	if (apt_open(request->work, path, suite, &apt, err) < 0)
		return -1;
	ret->suite = memory_copy_str(suite);
	strv_add_all(&ret->requested, packages);
	return apt_resolve(&apt, packages, ret, err);
}

static char *print_now(void)
{
	char text[CLOCK_TEXT];

	clock_print(clock_real(), text);
	return memory_format("%.19sZ", text);
}

static int resolve(const struct lockfile_request *request, struct lock *ret, struct error *err)
{
	const struct manifest *manifest = request->manifest;
	CLEANUP_STRV struct strv build = { 0 };

	if (request->options->progress)
		request->options->progress(request->options->context, "resolving packages");
	ret->date = print_now();
	if (resolve_set(request, manifest->suite, &manifest->packages, &ret->dependencies, err) < 0)
		return error_wrap(err, "dependencies.debian");
	list_build(manifest, &build);
	if (resolve_set(request, manifest->build_suite, &build, &ret->build, err) < 0)
		return error_wrap(err, "build.debian");
	return 0;
}

/* Through its text and back, so that the packages of a fresh lock stand in the order they will
 * have when it is read, and what could not be read is never written. */
static int settle(struct lock *lock, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct lock settled;

	lock_print(lock, &text);
	if (lock_parse(LOCK_FILE, text.data, text.len, &settled, err) < 0)
		return -1;
	lock_done(lock);
	*lock = settled;
	return 0;
}

int lockfile_open(const struct lockfile_request *request, struct lockfile *ret, struct error *err)
{
	const struct manifest *manifest = request->manifest;
	CLEANUP_BUF struct buf text = { 0 };
	struct lockfile lockfile = { 0 };
	int result;

	if (!manifest->packages.len && !manifest->build_packages.len) {
		*ret = lockfile;
		return 0;
	}
	lockfile.fresh = request->options->update;
	result = lockfile.fresh
			 ? 0
			 : file_read_at(request->source->dir, LOCK_FILE, LOCK_MAX, &text, err);
	if (result < 0 && err->errnum != ENOENT)
		return -1;
	lockfile.fresh = lockfile.fresh || result < 0;
	if (lockfile.fresh)
		result = resolve(request, &lockfile.lock, err);
	else
		result = lock_parse(
			LOCK_FILE, text.data ? text.data : "", text.len, &lockfile.lock, err);
	if (result == 0)
		result = lockfile.fresh ? settle(&lockfile.lock, err)
					: check(&lockfile.lock, manifest, err);
	if (result < 0) {
		lockfile_done(&lockfile);
		return -1;
	}
	*ret = lockfile;
	return 0;
}

int lockfile_keep(const struct lockfile *lockfile, const struct source *source, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (!lockfile->fresh)
		return 0;
	lock_print(&lockfile->lock, &text);
	return file_write_at(source->dir, LOCK_FILE, 0644, text.data, text.len, err);
}

void lockfile_done(struct lockfile *lockfile)
{
	lock_done(&lockfile->lock);
	*lockfile = (struct lockfile){ 0 };
}
