/* Collecting garbage.
 *
 * Theory of operation. Makers share one lock while they refer to what is there, gc has it alone, so
 * that nothing gathered as garbage can gain a reference. A tree that a run stands on is locked by
 * the run (tree_ensure); it stays, and its blob with it. An image's manifest was put in its place
 * after all that it refers to, so files go in the opposite order of their change times: killed at
 * any moment, gc leaves no manifest whose layers are gone. Releases' texts go first of all.
 *
 * A tree is renamed to tmp/ before it is removed: a half-removed one must not look whole. */
#include "store/gc.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include "tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct item {
	char name[96]; /* below the store */
	struct digest digest;
	struct timespec changed;
	uint64_t bytes;
};

struct items {
	struct item *list;
	size_t count;
};

int gc_hold_off(const struct store *store, struct error *err)
{
	return store_lock_shared(store, "gc", "gc", err);
}

int gc_begin(const struct store *store, struct error *err)
{
	return store_lock(store, "gc", "gc", err);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_kept(const struct gc_request *request, const struct digest *digest)
{
	const char *hex = digest->hex;

	return request->keep->len > 0 && bsearch(&hex, request->keep->items, request->keep->len,
						 sizeof(char *), compare_text) != NULL;
}

static int add_item(struct items *items, int dir, const char *directory, const char *name,
	const struct gc_request *request)
{
	struct item item = { 0 };
	struct error ignored;
	struct stat status;
	char hex[DIGEST_HEX];

	(void)snprintf(hex, sizeof hex, "%.*s", DIGEST_HEX - 1, name); /* without ".json" */
	if (digest_parse(hex, &item.digest, &ignored) < 0 || is_kept(request, &item.digest) ||
		fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		status.st_ctim.tv_sec >= request->before)
		return 0;
	if (snprintf(item.name, sizeof item.name, "%s/%.75s", directory, name) >=
		(int)sizeof item.name)
		return 0; /* not a name of ours */
	item.changed = status.st_ctim;
	item.bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	items->list = memory_resize(items->list, items->count + 1, sizeof *items->list);
	items->list[items->count++] = item;
	return 0;
}

static int gather(const struct store *store, const char *directory,
	const struct gc_request *request, struct items *ret, struct error *err)
{
	int fd = openat(store->dir, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "list %s", directory);
	while ((entry = readdir(list)))
		if (add_item(ret, fd, directory, entry->d_name, request) < 0)
			return -1;
	return 0;
}

/* The latest change first; at the same time the smaller first: a manifest is smaller than what it
 * refers to. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec > y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec > y->changed.tv_nsec ? -1 : 1;
	return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static void tell(const struct gc_request *request, const struct item *item)
{
	if (request->on_item)
		request->on_item(request->context, item->name, item->bytes);
}

/* 1 and the lock if nobody uses the tree of this digest, 0 if somebody does. */
static int claim(
	const struct store *store, const struct digest *digest, int *ret, struct error *err)
{
	*ret = store_try_lock(store, "use", digest->hex, err);
	if (*ret >= 0)
		return 1;
	return err->kind == ERROR_LOCKED ? 0 : -1;
}

static int remove_item(const struct store *store, const struct item *item, struct error *err)
{
	struct error ignored;
	char tmp[80];

	if (strncmp(item->name, "trees/", 6) != 0) {
		if (unlinkat(store->dir, item->name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "remove %s", item->name);
		return 0;
	}
	if (tmp_name(tmp, err) < 0)
		return -1;
	if (renameat(store->dir, item->name, store->dir, tmp) < 0)
		return error_errno(err, "remove %s", item->name);
	(void)file_remove_tree(store->dir, tmp, &ignored); /* else the next sweep does it */
	return 0;
}

static int collect(const struct store *store, const char *directory,
	const struct gc_request *request, struct error *err)
{
	struct items items = { 0 };
	int result = gather(store, directory, request, &items, err);

	if (items.count > 0)
		qsort(items.list, items.count, sizeof *items.list, compare_items);
	for (size_t i = 0; result == 0 && i < items.count; i++) {
		CLEANUP_CLOSE int lock = -1;
		int unused = claim(store, &items.list[i].digest, &lock, err);

		if (unused < 0)
			result = -1;
		if (unused <= 0)
			continue;
		tell(request, &items.list[i]);
		if (!request->dry_run)
			result = remove_item(store, &items.list[i], err);
	}
	free(items.list);
	return result;
}

int gc_run(const struct store *store, const struct gc_request *request, struct error *err)
{
	if (collect(store, "releases", request, err) < 0 ||
		collect(store, "blobs/sha256", request, err) < 0 ||
		collect(store, "trees", request, err) < 0)
		return store_error(store, err);
	return 0;
}
