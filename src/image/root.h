/* The finished root as a process will see it, before it is mounted: the dependencies layer's tree
 * with the app layer's /app in it. Paths are absolute, resolved as a process inside would. */
#ifndef IMAGE_ROOT_H
#define IMAGE_ROOT_H

#include "base/error.h"
#include "base/strv.h"

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

struct root {
	int dependencies; /* top directory of the dependencies layer */
	int app;          /* top directory of the app layer, which has only "app" in it */
};

/* Resolves path through every symlink. 1: it exists, canonical and *ret_status are set; 0: it does
 * not; -1: the tree cannot be read. */
int root_find(const struct root *root, const char *path, char canonical[PATH_MAX],
	struct stat *ret_status, struct error *err);

/* Appends the names in a directory, sorted; one that does not exist has none. */
int root_list(const struct root *root, const char *path, struct strv *ret, struct error *err);

/* The same for an open directory. -1 with errno. */
int root_list_at(int dir, struct strv *ret);

/* A file's contents mapped for reading: the mapping, of *ret_size bytes, to be given to
 * root_unmap. NULL with *ret_size 0 where it is empty or cannot be read. The path is canonical. */
const void *root_map(const struct root *root, const char *canonical, size_t *ret_size);
void root_unmap(const void *data, size_t size);

#endif
