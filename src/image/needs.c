/* The loader's search, replayed: RPATH, LD_LIBRARY_PATH, RUNPATH, ldconfig's cache, default
 * directories, each candidate only if it is of the same class and machine (ld.so(8)).
 *
 * A shared object is often loaded into a program that already has what it needs, or by a program
 * whose RPATH counts for it too. What cannot be known without running it is taken from the whole
 * root: a module may find its needs beside itself, or where any program of this root searches. A
 * program itself gets no such grace. */
#include "needs.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "libpath.h"

#include <stdbool.h>
#include <string.h>

int needs_open(
	const struct root *root, const char *environment, struct needs *ret, struct error *err)
{
	struct needs needs = { .root = root };
	char cache[PATH_MAX];
	struct stat status;
	int found = root_find(root, "/etc/ld.so.cache", cache, &status, err);

	if (environment)
		libpath_add_expanded(environment, "/app", &needs.common);
	/* the configuration only works through the cache */
	if (found < 0 || (found && libpath_add_configured(root, &needs.common, err) < 0)) {
		needs_done(&needs);
		return -1;
	}
	libpath_add_default(&needs.common);
	*ret = needs;
	return 0;
}

void needs_done(struct needs *needs)
{
	strv_done(&needs->common);
	strv_done(&needs->brought);
	strv_done(&needs->found);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? memory_format("%.*s", (int)(slash - path), path)
				      : memory_copy_str("/");
}

static void add_own(const char *path, const struct elf *elf, struct strv *ret)
{
	CLEANUP_FREE char *origin = parent_of(path);

	if (elf->rpath && !elf->runpath)
		libpath_add_expanded(elf->rpath, origin, ret);
	if (elf->runpath)
		libpath_add_expanded(elf->runpath, origin, ret);
}

void needs_add_program(struct needs *needs, const char *path, const struct elf *elf)
{
	CLEANUP_STRV struct strv dirs = { 0 };

	add_own(path, elf, &dirs);
	for (size_t i = 0; i < dirs.len; i++)
		if (!strv_has(&needs->brought, dirs.items[i]))
			strv_add(&needs->brought, dirs.items[i]);
}

/* Whether path is an ELF file that fits: 1, 0 or -1. */
static int fits(
	const struct needs *needs, const char *path, const struct elf *user, struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	struct elf library = { 0 };
	const void *data;
	size_t size;
	bool same = false;
	int found = root_find(needs->root, path, canonical, &status, err);

	if (found <= 0 || !S_ISREG(status.st_mode))
		return found < 0 ? -1 : 0;
	data = root_map(needs->root, canonical, &size);
	if (data && elf_parse(data, size, &library) == ELF_PROGRAM) {
		same = library.class == user->class && library.machine == user->machine;
		elf_done(&library);
	}
	root_unmap(data, size);
	return same;
}

static int find_in(const struct needs *needs, const struct strv *dirs, const struct elf *elf,
	const char *name, struct error *err)
{
	for (size_t i = 0; i < dirs->len; i++) {
		CLEANUP_FREE char *path = memory_format("%s/%s", dirs->items[i], name);
		int found = fits(needs, path, elf, err);

		if (found != 0)
			return found;
	}
	return 0;
}

/* Where a module's program may have found it. */
static int find_beside(const struct needs *needs, const char *path, const struct elf *elf,
	const char *name, struct error *err)
{
	CLEANUP_STRV struct strv dirs = { 0 };
	CLEANUP_FREE char *beside = parent_of(path);

	strv_add(&dirs, beside);
	strv_add_all(&dirs, &needs->brought);
	return find_in(needs, &dirs, elf, name, err);
}

int needs_find(struct needs *needs, const char *path, const struct elf *elf, const char *name,
	struct error *err)
{
	CLEANUP_STRV struct strv own = { 0 };
	int found;

	if (strchr(name, '/'))
		return fits(needs, name, elf, err);
	if (strv_has(&needs->found, name))
		return 1;
	add_own(path, elf, &own);
	found = find_in(needs, &own, elf, name, err);
	if (found != 0)
		return found;
	found = find_in(needs, &needs->common, elf, name, err);
	if (found > 0)
		strv_add(&needs->found, name);
	if (found == 0 && !elf->interpreter)
		found = find_beside(needs, path, elf, name, err);
	return found;
}
