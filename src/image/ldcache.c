/* The linker's cache (glibc: sysdeps/generic/dl-cache.h, format "glibc-ld.so.cache1.1"). Written
 * here and not by ldconfig, because the host's ldconfig puts its own version into the file, so two
 * hosts would make two layers, and the root's own cannot be run while the root is made.
 *
 * Deliberately absent: hwcaps subdirectories (the loader then looks into none) and making links
 * for sonames, which packages bring. */
#include "ldcache.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "image/elf.h"
#include "libpath.h"
#include "place.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "glibc-ld.so.cache1.1"

#if defined(__x86_64__)
#define FLAGS 0x0303 /* FLAG_X8664_LIB64 | FLAG_ELF_LIBC6 */
#elif defined(__aarch64__)
#define FLAGS 0x0a03 /* FLAG_AARCH64_LIB64 | FLAG_ELF_LIBC6 */
#elif defined(__riscv)
#define FLAGS 0x1003 /* FLAG_RISCV_FLOAT_ABI_DOUBLE | FLAG_ELF_LIBC6 */
#else
#error "this architecture's flags in ld.so.cache are not known"
#endif

struct header {
	char magic[sizeof MAGIC - 1];
	uint32_t count;
	uint32_t strings_size;
	uint8_t flags; /* 2: little endian, 3: big */
	uint8_t padding[3];
	uint32_t extension;
	uint32_t unused[3];
};

struct entry {
	int32_t flags;
	uint32_t key, value; /* offsets from the start of the file */
	uint32_t os_version;
	uint64_t hwcap;
};

struct library {
	char *name;
	char *path;
	size_t order; /* of its directory */
};

struct libraries {
	struct library *items;
	size_t count;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned long take_number(const char **at)
{
	unsigned long value = 0;

	for (; is_digit(**at); ++*at)
		value = value * 10 + (unsigned long)(**at - '0');
	return value;
}

int ldcache_compare(const char *a, const char *b)
{
	while (*a) {
		if (is_digit(*a) != is_digit(*b))
			return is_digit(*a) ? 1 : -1;
		if (is_digit(*a)) {
			unsigned long left = take_number(&a);
			unsigned long right = take_number(&b);

			if (left != right)
				return left < right ? -1 : 1;
		} else if (*a != *b) {
			return *a - *b;
		} else {
			a++;
			b++;
		}
	}
	return *a - *b;
}

/* Descending, as the loader's binary search wants it; the directory searched first comes first. */
static int compare(const void *left, const void *right)
{
	const struct library *a = left;
	const struct library *b = right;
	int names = ldcache_compare(b->name, a->name);

	if (names != 0)
		return names;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Whether the file at path is a library that is looked up by this name: its soname, or its file
 * name where it has none. */
static int is_library(
	const struct root *root, const char *path, const char *name, struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	struct elf elf;
	const void *data;
	size_t size;
	bool is = false;
	int found = root_find(root, path, canonical, &status, err);

	if (found <= 0 || !S_ISREG(status.st_mode))
		return found < 0 ? -1 : 0;
	data = root_map(root, canonical, &size);
	if (data && elf_parse(data, size, &elf) == ELF_PROGRAM) {
		is = elf.machine == elf_native_machine() && elf.class == elf_native_class() &&
		     (!elf.soname || strcmp(elf.soname, name) == 0);
		elf_done(&elf);
	}
	root_unmap(data, size);
	return is;
}

static int add_dir(const struct root *root, const char *dir, size_t order, struct libraries *ret,
	struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };

	if (root_list(root, dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP_FREE char *path = memory_format("%s/%s", dir, names.items[i]);
		int is = strstr(names.items[i], ".so") ? is_library(root, path, names.items[i], err)
						       : 0;

		if (is < 0)
			return -1;
		if (!is)
			continue;
		ret->items = memory_resize(ret->items, ret->count + 1, sizeof *ret->items);
		ret->items[ret->count++] = (struct library){
			.name = memory_copy_str(names.items[i]),
			.path = STEAL(path),
			.order = order,
		};
	}
	return 0;
}

static void print_cache(struct libraries *libraries, struct buf *ret)
{
	const uint16_t probe = 1;
	struct header header = { .count = (uint32_t)libraries->count,
		.flags = *(const uint8_t *)&probe ? 2 : 3 };
	CLEANUP_BUF struct buf strings = { 0 };
	uint32_t start = (uint32_t)(sizeof header + libraries->count * sizeof(struct entry));

	memcpy(header.magic, MAGIC, sizeof header.magic);
	qsort(libraries->items, libraries->count, sizeof *libraries->items, compare);
	buf_add(ret, &header, sizeof header);
	for (size_t i = 0; i < libraries->count; i++) {
		struct entry entry = { .flags = FLAGS };
		const struct library *library = &libraries->items[i];

		entry.key = start + (uint32_t)strings.len;
		buf_add(&strings, library->name, strlen(library->name) + 1);
		entry.value = start + (uint32_t)strings.len;
		buf_add(&strings, library->path, strlen(library->path) + 1);
		buf_add(ret, &entry, sizeof entry);
	}
	buf_add(ret, strings.data, strings.len);
	header.strings_size = (uint32_t)strings.len;
	memcpy(ret->data, &header, sizeof header);
}

/* Adds a directory once, whatever names it is reached by. */
static int add_once(const struct root *root, const char *dir, struct strv *seen,
	struct libraries *ret, struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	int found = root_find(root, dir, canonical, &status, err);

	if (found <= 0 || strv_has(seen, canonical))
		return found < 0 ? -1 : 0;
	strv_add(seen, canonical);
	return add_dir(root, dir, seen->len, ret, err);
}

static int collect(const struct root *root, struct libraries *ret, struct error *err)
{
	CLEANUP_STRV struct strv dirs = { 0 };
	CLEANUP_STRV struct strv seen = { 0 };

	if (libpath_add_configured(root, &dirs, err) < 0)
		return -1;
	strv_add(&dirs, "/lib/" LIBPATH_TRIPLET);
	strv_add(&dirs, "/usr/lib/" LIBPATH_TRIPLET);
	strv_add(&dirs, "/lib");
	strv_add(&dirs, "/usr/lib");
	for (size_t i = 0; i < dirs.len; i++)
		if (add_once(root, dirs.items[i], &seen, ret, err) < 0)
			return -1;
	return 0;
}

int ldcache_make(const struct root *root, struct error *err)
{
	struct libraries libraries = { 0 };
	CLEANUP_BUF struct buf cache = { 0 };
	char canonical[PATH_MAX];
	struct stat status;
	int found = root_find(root, "/lib/" LIBPATH_TRIPLET "/libc.so.6", canonical, &status, err);
	int result = found > 0 ? collect(root, &libraries, err) : found;

	if (result == 0 && libraries.count) {
		print_cache(&libraries, &cache);
		result = place_text(
			root->dependencies, "etc/ld.so.cache", cache.data, cache.len, err);
	}
	for (size_t i = 0; i < libraries.count; i++) {
		free(libraries.items[i].name);
		free(libraries.items[i].path);
	}
	free(libraries.items);
	return result;
}
