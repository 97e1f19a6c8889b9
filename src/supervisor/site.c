/* A release's place to run.
 *
 * The lock is fcntl's, which belongs to a process and not to a descriptor: a forked helper does not
 * keep it, and the kernel knows the owner's pid. Its file is never removed, which would let two
 * runs lock two files of one name. */
#include "supervisor/site.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/tree.h"
#include "supervisor/ids.h"

#include <errno.h>
#include <fcntl.h>

static int unpack_layers(const struct site_config *config, struct strv *ret, struct error *err)
{
	for (size_t i = 0; i < config->release->layer_count; i++) {
		CLEANUP_FREE char *path = NULL;

		if (tree_ensure(config->store, &config->release->layers[i], &path, err) < 0)
			return -1;
		strv_add(ret, path);
	}
	return 0;
}

int site_open(
	const struct site_config *config, const char *kind, struct site *ret, struct error *err)
{
	const struct release *release = config->release;
	CLEANUP_FREE char *name = memory_format("%s-%s%s", release->app, release->deploy, kind);
	struct site site = { .container = CONTAINER_SITE_NONE, .filters = -1 };
	struct spec_ids ids;
	uint32_t base;

	if (ids_get(config->store, release->app, release->deploy, &base, err) < 0)
		return -1;
	ids = container_ids(base);
	site.filters = file_open_dir(config->store->dir, "filters", 0700, err);
	if (site.filters < 0 || container_site_open(name, &ids, &site.container, err) < 0) {
		site_done(&site);
		return -1;
	}
	*ret = site;
	return 0;
}

int site_enter(struct site *site, const struct site_config *config, const struct site_etc *etc,
	struct error *err)
{
	CLEANUP_STRV struct strv layers = { 0 };
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", config->runtime_dir);
	CLEANUP_CLOSE int scratch_fd = file_open_dir(AT_FDCWD, scratch, 0700, err);
	const struct root_etc files[] = {
		{ "hosts", etc->hosts },
		{ "resolv.conf", etc->resolv_conf },
	};
	const struct container_tree tree = {
		.layers = &layers,
		.etc = files,
		.etc_count = sizeof files / sizeof *files,
		.scratch = scratch,
		.filters = site->filters,
	};

	if (scratch_fd < 0 || unpack_layers(config, &layers, err) < 0)
		return -1;
	return container_site_enter(&site->container, &tree, err);
}

void site_done(struct site *site)
{
	container_site_done(&site->container);
	cleanup_close(&site->filters);
	site->filters = -1;
}

static int locked_error(const struct site_config *config, int fd, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_GETLK, &lock); /* then the pid is 0, and not said */
	error_set(err, ERROR_LOCKED, "%s/%s is running already", config->release->app,
		config->release->deploy);
	if (lock.l_pid > 0)
		error_set(err, ERROR_LOCKED, "%s/%s is running already, as process %d",
			config->release->app, config->release->deploy, (int)lock.l_pid);
	return error_hint(err, "stop it, or give this one another deploy: isorun release -d NAME");
}

int site_lock(const struct site_config *config, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CLEANUP_FREE char *path = memory_format(
		"%s/%s/%s", config->runtime_dir, config->release->app, config->release->deploy);
	CLEANUP_CLOSE int dir = file_open_dir(AT_FDCWD, path, 0700, err);
	CLEANUP_CLOSE int fd = -1;

	if (dir < 0)
		return -1;
	fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, "%s/lock", path);
	if (fcntl(fd, F_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? locked_error(config, fd, err)
							  : error_errno(err, "%s/lock", path);
	return steal_fd(&fd);
}
