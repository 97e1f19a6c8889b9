/* Ranges of host ids.
 *
 * They lie from 0x70000000 to 0x7ffd0000: above what systemd gives containers (up to 0x6fffffff),
 * below its foreign ids (0x7ffe0000), far above users and /etc/subuid; 4,092 deploys. Each store
 * counts for itself. A range is the lowest free one, found by looking at every deploy's file under
 * a lock; that is done once in a deploy's life. */
#include "supervisor/ids.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS = (IDS_END - IDS_FIRST) / IDS_COUNT, TEXT_MAX = 32 };

/* Reads a deploy's file; 0 where there is none or it is not one of our ranges. */
static uint32_t read_base(int dir, const char *path)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;
	uint64_t base;

	if (file_read_at(dir, path, TEXT_MAX, &text, &ignored) < 0 || text.len == 0)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (number_parse(text.data, IDS_END - IDS_COUNT, &base, &ignored) < 0 ||
		base <= IDS_FIRST || base % IDS_COUNT != 0)
		return 0;
	return (uint32_t)base;
}

static DIR *open_list(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (!list)
		cleanup_close(&fd);
	return list;
}

static void mark_app(int apps, const char *app, bool *taken)
{
	CLEANUP_CLOSEDIR DIR *list = open_list(apps, app);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		CLEANUP_FREE char *path = memory_format("%s/ids", entry->d_name);
		uint32_t base = entry->d_name[0] == '.' ? 0 : read_base(dirfd(list), path);

		if (base > 0)
			taken[(base - IDS_FIRST) / IDS_COUNT] = true;
	}
}

static int allocate(const struct store *store, uint32_t *ret, struct error *err)
{
	CLEANUP_CLOSEDIR DIR *list = open_list(store->dir, "apps");
	CLEANUP_FREE bool *taken = memory_new(SLOTS, sizeof *taken);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "%s/apps", store->path);
	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			mark_app(dirfd(list), entry->d_name, taken);
	for (uint32_t slot = 1; slot < SLOTS; slot++) {
		if (taken[slot])
			continue;
		*ret = IDS_FIRST + slot * IDS_COUNT;
		return 0;
	}
	return error_set(err, ERROR_FAILED, "all %d ranges of host ids are taken", SLOTS - 1);
}

static int allocate_locked(const struct store *store, int dir, uint32_t *ret, struct error *err)
{
	CLEANUP_CLOSE int lock = store_lock(store, "ids", "all", err);
	char text[TEXT_MAX];
	uint32_t base;
	int len;

	if (lock < 0)
		return -1;
	base = read_base(dir, "ids"); /* somebody may have been quicker */
	if (base == 0) {
		if (allocate(store, &base, err) < 0)
			return -1;
		len = snprintf(text, sizeof text, "%u\n", base);
		if (file_write_at(dir, "ids", 0600, text, (size_t)len, err) < 0)
			return store_error(store, err);
	}
	*ret = base;
	return 0;
}

int ids_get(const struct store *store, const char *app, const char *deploy, uint32_t *ret,
	struct error *err)
{
	CLEANUP_FREE char *path = memory_format("apps/%s/%s", app, deploy);
	CLEANUP_CLOSE int dir = file_open_dir(store->dir, path, 0700, err);
	uint32_t base;

	if (dir < 0)
		return store_error(store, err);
	base = read_base(dir, "ids");
	if (base == 0)
		return allocate_locked(store, dir, ret, err);
	*ret = base;
	return 0;
}
