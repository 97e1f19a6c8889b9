/* Containers for tests: what a release's run would prepare, in the smallest form. */
#include "box.h"

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

bool box_possible(void)
{
	if (geteuid() == 0)
		return true;
	printf("1..0 # SKIP needs root: namespaces with many ids\n");
	return false;
}

void box_copy(const struct box *box, const char *from, const char *to)
{
	struct error err;
	CLEANUP_CLOSE int source = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP_BUF struct buf program = { 0 };
	CLEANUP_FREE char *full = memory_format("root%s", to);

	check(file_read_all(source, 1 << 26, &program, &err), from, &err);
	check(file_write_at(box->dirfd, full, 0755, program.data, program.len, &err), to, &err);
}

static void copy_probe(const struct box *box)
{
	char path[PATH_MAX] = { 0 };
	CLEANUP_FREE char *probe = NULL;

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		abort();
	probe = memory_format("%s/../probe", dirname(path));
	box_copy(box, probe, "/bin/probe");
}

void box_init(struct box *box)
{
	static const char *const dirs[] = { "root", "scratch", "root/bin", "root/proc", "root/sys",
		"root/dev", "root/tmp", "root/run", "root/app", "root/etc" };
	struct error err;

	umask(022);
	box->cgroup = -1;
	strcpy(box->dir, "/tmp/isorun-test-XXXXXX");
	if (!mkdtemp(box->dir))
		abort();
	box->dirfd = open(box->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (mkdirat(box->dirfd, dirs[i], 0755) < 0)
			abort();
	copy_probe(box);
	check(root_enter_private(&err), "mount namespace", &err);
}

void box_done(struct box *box)
{
	struct error err;
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", box->dir);

	close(box->dirfd);
	while (umount2(scratch, MNT_DETACH) == 0)
		;
	check(file_remove_tree(AT_FDCWD, box->dir, &err), box->dir, &err);
}

void box_make_dir(const struct box *box, const char *path)
{
	CLEANUP_FREE char *full = memory_format("root%s", path);

	if (mkdirat(box->dirfd, full, 0755) < 0)
		abort();
}

void box_make_file(const struct box *box, const char *path, const char *text, unsigned mode)
{
	struct error err;
	CLEANUP_FREE char *full = memory_format("root%s", path);

	check(file_write_at(box->dirfd, full, mode, text, strlen(text), &err), path, &err);
}

void box_remove(const struct box *box, const char *path)
{
	struct error err;
	CLEANUP_FREE char *full = memory_format("root%s", path);

	check(file_remove_tree(box->dirfd, full, &err), path, &err);
}

int box_root(const struct box *box, bool writable)
{
	CLEANUP_STRV struct strv layers = { 0 };
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", box->dir);
	const struct root_plan plan = {
		.layers = &layers, .ids = { BOX_BASE, BOX_IDS }, .scratch = scratch
	};
	CLEANUP_CLOSE int prepared = -1;
	struct error err;
	int root;

	strv_addf(&layers, "%s/root", box->dir);
	prepared = root_prepare(&plan, &err);
	check(prepared, "prepare", &err);
	root = root_clone(prepared, writable, &err);
	check(root, "clone", &err);
	return root;
}

void box_spec(struct spec *spec, const char *const *words)
{
	spec->uid = spec->gid = 1000;
	spec_add_defaults(spec, 0, false);
	spec_add_map(spec, 0, BOX_BASE, BOX_IDS);
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

int box_create(
	const struct box *box, const struct spec *spec, struct box_launch *ret, struct error *err)
{
	CLEANUP_CLOSE int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP_CLOSE int root = box_root(box, spec->root_writable);
	CLEANUP_CLOSE int writer = -1;
	struct sandbox_parts parts = { .root = root, .cgroup = box->cgroup };
	int output[2];

	*ret = (struct box_launch){ SANDBOX_NONE, -1 };
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

int box_start(
	const struct box *box, const struct spec *spec, struct box_launch *ret, struct error *err)
{
	if (box_create(box, spec, ret, err) < 0 || sandbox_setup(&ret->sandbox, err) < 0)
		return -1;
	return sandbox_start(&ret->sandbox, err);
}

void box_finish(struct box_launch *launch)
{
	sandbox_done(&launch->sandbox);
	close(launch->output);
}

void box_run(const struct box *box, const struct spec *spec, struct box_result *ret)
{
	struct box_launch launch;
	struct error err;

	*ret = (struct box_result){ 0 };
	ret->launched = box_start(box, spec, &launch, &ret->error);
	buf_reserve(&ret->output, 0);
	if (ret->launched == 0) {
		check(file_read_all(launch.output, 1 << 24, &ret->output, &err), "output", &err);
		check(sandbox_wait(&launch.sandbox, &ret->status, &err), "wait", &err);
	}
	box_finish(&launch);
}

void box_assert_launched(const struct box_result *result)
{
	if (result->launched < 0)
		fail_msg("%s", result->error.text);
}

void box_read(const char *path, struct buf *ret)
{
	struct error err;

	check(file_read_at(AT_FDCWD, path, 1 << 20, ret, &err), path, &err);
}

void box_result_done(struct box_result *result)
{
	buf_done(&result->output);
}

void box_probe(const struct box *box, const char *const *words, struct box_result *ret)
{
	struct spec spec = { 0 };

	box_spec(&spec, words);
	box_run(box, &spec, ret);
	spec_done(&spec);
}
