/* Packages: fetched by apt, checked against the lock file's SHA-256 by isorun itself, unpacked by
 * dpkg-deb into a pipe and from there by the same hardened reader as any other archive. */
#include "package.h"

#include "apt.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/tar.h"
#include "store/tree.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PACKAGES "packages"

enum { CONTROL_MAX = 1 << 20 };

static int open_package(
	const struct store *store, const struct lock_package *package, struct error *err)
{
	CLEANUP_FREE char *path = memory_format(PACKAGES "/%s.deb", package->sha256.hex);
	int fd = openat(store->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "package %s", package->name) : fd;
}

/* Sets wanted for what is not in the store; returns how many that are. */
static size_t list_missing(const struct package_fetch *fetch, const struct lock_set *set,
	bool *wanted, uint64_t *ret_bytes)
{
	size_t count = 0;

	*ret_bytes = 0;
	for (size_t i = 0; i < set->count; i++) {
		CLEANUP_FREE char *path =
			memory_format(PACKAGES "/%s.deb", set->packages[i].sha256.hex);

		wanted[i] = faccessat(fetch->store->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
		count += wanted[i];
		*ret_bytes += wanted[i] ? set->packages[i].size : 0;
	}
	return count;
}

/* Puts a download into the store if it is what the lock says; absent is 0, put is 1. */
static int keep(const struct package_fetch *fetch, const struct apt *apt,
	const struct lock_package *package, struct error *err)
{
	CLEANUP_FREE char *name = memory_format("%s.deb", package->sha256.hex);
	CLEANUP_CLOSE int packages = -1;
	CLEANUP_CLOSE int fd = openat(apt->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct digest digest;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "package %s", package->name);
	if (fchown(fd, geteuid(), getegid()) < 0 || fchmod(fd, 0600) < 0)
		return error_errno(err, "package %s", package->name);
	if (digest_file(fd, &digest, NULL, err) < 0)
		return error_wrap(err, "package %s", package->name);
	if (!digest_equal(&digest, &package->sha256))
		return error_set(err, ERROR_INTEGRITY, "package %s: its SHA-256 is %s, not %s",
			package->name, digest.hex, package->sha256.hex);
	packages = file_open_dir(fetch->store->dir, PACKAGES, 0700, err);
	if (packages < 0)
		return -1;
	if (fsync(fd) < 0 || renameat(apt->dir, name, packages, name) < 0)
		return error_errno(err, "package %s", package->name);
	return 1;
}

/* Asks one mirror for everything that is still wanted. complaint keeps what it said last. */
static int fetch_from(const struct package_fetch *fetch, struct apt *apt, const char *base,
	const struct lock_set *set, bool *wanted, struct error *complaint, struct error *err)
{
	(void)apt_download(apt, base, set, wanted, complaint); /* what arrived is looked at next */
	for (size_t i = 0; i < set->count; i++) {
		int kept = wanted[i] ? keep(fetch, apt, &set->packages[i], err) : 0;

		if (kept < 0)
			return -1;
		if (kept)
			wanted[i] = false;
	}
	return 0;
}

static bool is_any(const bool *wanted, size_t count, size_t *ret_first)
{
	for (*ret_first = 0; *ret_first < count; ++*ret_first)
		if (wanted[*ret_first])
			return true;
	return false;
}

static int fetch_missing(const struct package_fetch *fetch, struct apt *apt,
	const struct lock_set *set, bool *wanted, struct error *err)
{
	CLEANUP_STRV struct strv bases = { 0 };
	struct error complaint = { 0 };
	size_t first = 0;

	strv_add_all(&bases, &apt->bases);
	if (fetch->snapshot)
		strv_addf(&bases, "%s%s", fetch->snapshot,
			fetch->snapshot[strlen(fetch->snapshot) - 1] == '/' ? "" : "/");
	for (size_t i = 0; i < bases.len && is_any(wanted, set->count, &first); i++)
		if (fetch_from(fetch, apt, bases.items[i], set, wanted, &complaint, err) < 0)
			return -1;
	if (!is_any(wanted, set->count, &first))
		return 0;
	error_set(err, ERROR_FAILED, "package %s %s is on no mirror: %s", set->packages[first].name,
		set->packages[first].version, complaint.text);
	return error_hint(err, "isorun build --update takes the versions that there are now");
}

int package_fetch(const struct package_fetch *fetch, const struct lock_set *set, struct error *err)
{
	__attribute__((cleanup(apt_done))) struct apt apt = { .dir = -1 };
	CLEANUP_FREE char *path = memory_format("%s/fetch", fetch->work_path);
	CLEANUP_FREE bool *wanted = memory_new(set->count, sizeof *wanted);
	CLEANUP_FREE char *step = NULL;
	uint64_t bytes;
	size_t count = list_missing(fetch, set, wanted, &bytes);

	if (!count)
		return 0;
	step = memory_format("fetching %zu package%s, %.1f MB", count, count == 1 ? "" : "s",
		(double)bytes / 1e6);
	if (fetch->options->progress)
		fetch->options->progress(fetch->options->context, step);
	if (apt_open(fetch->work, path, set->suite, &apt, err) < 0)
		return -1;
	return fetch_missing(fetch, &apt, set, wanted, err);
}

/* Starts dpkg-deb on a package that is open as fd; what it prints is the tar that option names. */
static int start(int fd, const char *option, struct tool_process *ret, struct error *err)
{
	CLEANUP_STRV struct strv argv = { 0 };
	CLEANUP_STRV struct strv env = { 0 };

	strv_add(&argv, "dpkg-deb");
	strv_add(&argv, option);
	strv_add(&argv, "/dev/stdin");
	tool_env(&env);
	return tool_start(
		&(struct tool){ .argv = &argv, .env = &env, .dir = -1, .in = fd }, ret, err);
}

int package_unpack(
	const struct store *store, const struct lock_package *package, int root, struct error *err)
{
	CLEANUP_CLOSE int fd = open_package(store, package, err);
	struct tool_process process;
	struct error finish;

	if (fd < 0 || start(fd, "--fsys-tarfile", &process, err) < 0)
		return -1;
	if (tree_unpack(process.out, root, TREE_MERGE_USR, err) < 0) {
		(void)tool_finish(&process, &finish); /* what went wrong here explains more */
		return error_wrap(err, "package %s", package->name);
	}
	if (tool_finish(&process, err) < 0)
		return error_wrap(err, "package %s", package->name);
	return 0;
}

static int read_member(
	struct tar *tar, const struct tar_entry *entry, struct buf *ret, struct error *err)
{
	if (entry->size > CONTROL_MAX)
		return error_set(
			err, ERROR_FAILED, "%s: larger than %d bytes", entry->path, CONTROL_MAX);
	while (ret->len < entry->size) {
		uint64_t offset;
		ssize_t got;

		buf_reserve(ret, entry->size);
		got = tar_read(tar, ret->data + ret->len, entry->size - ret->len, &offset, err);
		if (got <= 0)
			return got < 0 ? -1 : 0;
		ret->len += (size_t)got;
		ret->data[ret->len] = '\0';
	}
	return 0;
}

static int read_members(int fd, struct package_control *ret, struct error *err)
{
	CLEANUP_TAR struct tar tar = TAR_NONE;
	struct tar_entry entry;
	int more;

	if (tar_open(fd, &tar, err) < 0)
		return -1;
	while ((more = tar_next(&tar, &entry, err)) > 0) {
		struct buf *wanted = strcmp(entry.path, "control") == 0    ? &ret->control
				     : strcmp(entry.path, "postinst") == 0 ? &ret->postinst
									   : NULL;

		if (wanted && entry.type == TAR_FILE && read_member(&tar, &entry, wanted, err) < 0)
			return -1;
	}
	return more;
}

int package_read_control(const struct store *store, const struct lock_package *package,
	struct package_control *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = open_package(store, package, err);
	struct package_control control = { 0 };
	struct tool_process process;
	struct error finish;

	if (fd < 0 || start(fd, "--ctrl-tarfile", &process, err) < 0)
		return -1;
	if (read_members(process.out, &control, err) < 0) {
		(void)tool_finish(&process, &finish); /* what went wrong here explains more */
		package_control_done(&control);
		return error_wrap(err, "package %s", package->name);
	}
	if (tool_finish(&process, err) < 0) {
		package_control_done(&control);
		return error_wrap(err, "package %s", package->name);
	}
	*ret = control;
	return 0;
}

void package_control_done(struct package_control *control)
{
	buf_done(&control->control);
	buf_done(&control->postinst);
}
