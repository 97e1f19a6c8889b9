/* Containers for tests: what a release's run would prepare, in the smallest form. */
#include "container.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernel/filter.h"
#include "kernel/root.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void check(int result, const char *what, const struct error *err)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, err->text);
	abort();
}

bool container_possible(void)
{
	if (geteuid() == 0)
		return true;
	printf("1..0 # SKIP needs root: namespaces with many ids\n");
	return false;
}

void container_copy(const struct container *container, const char *from, const char *to)
{
	struct error err;
	CLEANUP_CLOSE int source = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP_BUF struct buf program = { 0 };
	CLEANUP_FREE char *full = memory_format("root%s", to);

	check(file_read_all(source, 1 << 26, &program, &err), from, &err);
	check(file_write_at(container->dirfd, full, 0755, program.data, program.len, &err), to,
		&err);
}

static void copy_probe(const struct container *container)
{
	char path[PATH_MAX] = { 0 };
	CLEANUP_FREE char *probe = NULL;

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		abort();
	probe = memory_format("%s/../probe", dirname(path));
	container_copy(container, probe, "/bin/probe");
}

void container_init(struct container *container)
{
	static const char *const dirs[] = { "root", "scratch", "root/bin", "root/proc", "root/sys",
		"root/dev", "root/tmp", "root/run", "root/app", "root/etc" };
	struct error err;

	umask(022);
	strcpy(container->dir, "/tmp/isorun-test-XXXXXX");
	if (!mkdtemp(container->dir))
		abort();
	container->dirfd = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (mkdirat(container->dirfd, dirs[i], 0755) < 0)
			abort();
	copy_probe(container);
	check(root_enter_private(&err), "mount namespace", &err);
}

void container_done(struct container *container)
{
	struct error err;
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", container->dir);

	close(container->dirfd);
	while (umount2(scratch, MNT_DETACH) == 0)
		;
	check(file_remove_tree(AT_FDCWD, container->dir, &err), container->dir, &err);
}

void container_make_dir(const struct container *container, const char *path)
{
	CLEANUP_FREE char *full = memory_format("root%s", path);

	if (mkdirat(container->dirfd, full, 0755) < 0)
		abort();
}

void container_make_file(
	const struct container *container, const char *path, const char *text, unsigned mode)
{
	struct error err;
	CLEANUP_FREE char *full = memory_format("root%s", path);

	check(file_write_at(container->dirfd, full, mode, text, strlen(text), &err), path, &err);
}

void container_remove(const struct container *container, const char *path)
{
	struct error err;
	CLEANUP_FREE char *full = memory_format("root%s", path);

	check(file_remove_tree(container->dirfd, full, &err), path, &err);
}

int container_root(const struct container *container, bool writable)
{
	const struct root_ids ids = { CONTAINER_BASE, CONTAINER_IDS };
	CLEANUP_STRV struct strv layers = { 0 };
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", container->dir);
	CLEANUP_CLOSE int prepared = -1;
	struct error err;
	int root;

	strv_addf(&layers, "%s/root", container->dir);
	prepared = root_prepare(&layers, &ids, scratch, &err);
	check(prepared, "prepare", &err);
	root = root_clone(prepared, writable, &err);
	check(root, "clone", &err);
	return root;
}

void container_spec(struct spec *spec, const char *const *words)
{
	spec->uid = spec->gid = 1000;
	spec_add_defaults(spec, 0, false);
	spec_add_map(spec, 0, CONTAINER_BASE, CONTAINER_IDS);
	spec->hostname = memory_copy_str("web-1");
	spec->cwd = memory_copy_str("/app");
	spec->umask = 022;
	spec->init = true;
	strv_add(&spec->env, "PATH=/usr/bin:/bin");
	strv_add(&spec->argv, "/bin/probe");
	for (; *words; words++)
		strv_add(&spec->argv, *words);
}

/* The filter is compiled once for all: it takes longer than a launch. */
static const struct buf *default_filter(void)
{
	static struct buf filter;
	struct error err;

	if (!filter.len)
		check(filter_compile(&(struct strv){ 0 }, &filter, &err), "filter", &err);
	return &filter;
}

int container_create(const struct container *container, const struct spec *spec,
	struct container_launch *ret, struct error *err)
{
	CLEANUP_CLOSE int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP_CLOSE int root = container_root(container, spec->root_writable);
	CLEANUP_CLOSE int writer = -1;
	struct sandbox_parts parts = { .root = root, .cgroup = -1 };
	int output[2];

	*ret = (struct container_launch){ SANDBOX_NONE, -1 };
	if (nothing < 0 || pipe2(output, O_CLOEXEC) < 0)
		abort();
	ret->output = output[0];
	writer = output[1];
	parts.stdio[0] = nothing;
	parts.stdio[1] = parts.stdio[2] = writer;
	if (spec->filter == SPEC_FILTER_DEFAULT)
		parts.filter = default_filter();
	return sandbox_create(spec, &parts, &ret->sandbox, err);
}

int container_start(const struct container *container, const struct spec *spec,
	struct container_launch *ret, struct error *err)
{
	if (container_create(container, spec, ret, err) < 0 ||
		sandbox_setup(&ret->sandbox, err) < 0)
		return -1;
	return sandbox_start(&ret->sandbox, err);
}

void container_finish(struct container_launch *launch)
{
	sandbox_done(&launch->sandbox);
	close(launch->output);
}

void container_run(
	const struct container *container, const struct spec *spec, struct container_result *ret)
{
	struct container_launch launch;
	struct error err;

	*ret = (struct container_result){ 0 };
	ret->launched = container_start(container, spec, &launch, &ret->error);
	buf_reserve(&ret->output, 0);
	if (ret->launched == 0) {
		check(file_read_all(launch.output, 1 << 24, &ret->output, &err), "output", &err);
		check(sandbox_wait(&launch.sandbox, &ret->status, &err), "wait", &err);
	}
	container_finish(&launch);
}

void container_assert_launched(const struct container_result *result)
{
	if (result->launched < 0)
		fail_msg("%s", result->error.text);
}

void container_read(const char *path, struct buf *ret)
{
	struct error err;

	check(file_read_at(AT_FDCWD, path, 1 << 20, ret, &err), path, &err);
}

void container_result_done(struct container_result *result)
{
	buf_done(&result->output);
}

void container_probe(
	const struct container *container, const char *const *words, struct container_result *ret)
{
	struct spec spec = { 0 };

	container_spec(&spec, words);
	container_run(container, &spec, ret);
	spec_done(&spec);
}
