/* Roots made of layers: what is on top is seen, ids are shifted, nothing can be written. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernel/root.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

enum { BASE = 2000000, COUNT = 65536 };

static const struct root_ids shifted = { BASE, COUNT };

static void put(const char *dir, const char *name, const char *text)
{
	CLEANUP_FREE char *path = memory_format("%s/%s", dir, name);
	struct error err;

	if (file_write_at(AT_FDCWD, path, 0644, text, strlen(text), &err) < 0)
		abort();
}

static int setup(void **state)
{
	static char dir[] = "/tmp/isorun-root-XXXXXX";
	struct error err;

	if (!mkdtemp(dir) || chdir(dir) < 0 || root_enter_private(&err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (mkdir((const char *[]){ "low", "high", "scratch" }[i], 0755) < 0)
			return -1;
	put(dir, "low/both", "low\n");
	put(dir, "low/gone", "low\n");
	put(dir, "low/low", "low\n");
	put(dir, "high/both", "high\n");
	put(dir, "high/high", "high\n");
	/* A whiteout, as overlay keeps it. */
	if (mknod("high/gone", S_IFCHR, makedev(0, 0)) < 0 || chown("high/high", 1000, 100) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	struct error err;

	while (umount2("scratch", MNT_DETACH) == 0)
		;
	return chdir("/") < 0 || file_remove_tree(AT_FDCWD, *state, &err) < 0;
}

/* The names are below the temporary directory; NULL-terminated, bottom first. */
static int prepare(
	void **state, const char *const *names, const struct root_ids *ids, struct error *err)
{
	CLEANUP_STRV struct strv layers = { 0 };
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", (char *)*state);

	for (; *names; names++)
		strv_addf(&layers, "%s/%s", (char *)*state, *names);
	return root_prepare(
		&(struct root_plan){ .layers = &layers, .ids = *ids, .scratch = scratch }, err);
}
#define PREPARE(state, ids, err, ...) \
	prepare(state, (const char *const[]){ __VA_ARGS__, NULL }, ids, err)

static void reads(int root, const char *name, const char *text)
{
	CLEANUP_BUF struct buf content = { 0 };
	struct error err;

	if (file_read_at(root, name, 100, &content, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(content.data, text);
}

static void the_upper_layer_covers_the_lower(void **state)
{
	struct error err;
	CLEANUP_CLOSE int prepared = PREPARE(state, &shifted, &err, "low", "high");
	CLEANUP_CLOSE int root = prepared < 0 ? -1 : root_clone(prepared, false, &err);

	if (root < 0)
		fail_msg("%s", err.text);
	reads(root, "both", "high\n");
	reads(root, "low", "low\n");
	reads(root, "high", "high\n");
	assert_int_equal(faccessat(root, "gone", F_OK, 0), -1);
	assert_int_equal(errno, ENOENT);
}

static void ids_of_every_layer_are_shifted(void **state)
{
	struct error err;
	CLEANUP_CLOSE int two = PREPARE(state, &shifted, &err, "low", "high");
	CLEANUP_CLOSE int one = PREPARE(state, &shifted, &err, "high");
	struct stat status;

	assert_true(two >= 0 && one >= 0);
	assert_int_equal(fstatat(two, "low", &status, 0), 0);
	assert_int_equal(status.st_uid, BASE);
	assert_int_equal(fstatat(two, "high", &status, 0), 0);
	assert_int_equal(status.st_uid, BASE + 1000);
	assert_int_equal(status.st_gid, BASE + 100);
	assert_int_equal(fstatat(one, "high", &status, 0), 0);
	assert_int_equal(status.st_uid, BASE + 1000);
}

static void without_ids_they_are_as_on_disk(void **state)
{
	const struct root_ids none = { 0 };
	struct error err;
	CLEANUP_CLOSE int prepared = PREPARE(state, &none, &err, "low", "high");
	struct stat status;

	assert_true(prepared >= 0);
	assert_int_equal(fstatat(prepared, "high", &status, 0), 0);
	assert_int_equal(status.st_uid, 1000);
}

static void a_clone_is_read_only_nosuid_and_nodev(void **state)
{
	struct error err;

	for (int layers = 1; layers <= 2; layers++) {
		CLEANUP_CLOSE int prepared =
			layers == 1 ? PREPARE(state, &shifted, &err, "low")
				    : PREPARE(state, &shifted, &err, "low", "high");
		CLEANUP_CLOSE int root = root_clone(prepared, false, &err);
		struct statvfs fs;

		assert_true(root >= 0);
		assert_int_equal(fstatvfs(root, &fs), 0);
		assert_true(fs.f_flag & ST_RDONLY);
		assert_true(fs.f_flag & ST_NOSUID);
		assert_true(fs.f_flag & ST_NODEV);
		assert_int_equal(mkdirat(root, "new", 0755), -1);
		assert_int_equal(errno, EROFS);
	}
}

static void one_layer_may_be_cloned_writable(void **state)
{
	struct error err;
	CLEANUP_CLOSE int prepared = PREPARE(state, &shifted, &err, "low");
	CLEANUP_CLOSE int root = root_clone(prepared, true, &err);
	struct statvfs fs;

	assert_true(root >= 0);
	assert_int_equal(fstatvfs(root, &fs), 0);
	assert_false(fs.f_flag & ST_RDONLY);
}

static void a_hundred_layers_are_fine(void **state)
{
	const char *names[101] = { 0 };
	struct error err;
	int prepared;

	for (int i = 0; i < 100; i++) {
		char *name = memory_format("layer%d", i);

		if (mkdir(name, 0755) < 0)
			abort();
		names[i] = name;
	}
	put(*state, "layer0/bottom", "bottom\n");
	put(*state, "layer99/top", "top\n");
	prepared = prepare(state, names, &shifted, &err);
	if (prepared < 0)
		fail_msg("%s", err.text);
	reads(prepared, "bottom", "bottom\n");
	reads(prepared, "top", "top\n");
	close(prepared);
	for (int i = 0; i < 100; i++)
		free((char *)names[i]);
}

static void a_missing_layer_is_named(void **state)
{
	struct error err;
	char *text =
		memory_format("layer %s/nothing: No such file or directory", (const char *)*state);

	assert_int_equal(PREPARE(state, &shifted, &err, "low", "nothing"), -1);
	assert_string_equal(err.text, text);
	free(text);
}

static void a_file_system_that_cannot_shift_ids_is_said_to_be_unsupported(void **state)
{
	struct error err;
	char *text =
		memory_format("layer %s/proc: its file system cannot be mounted with shifted ids",
			(const char *)*state);

	assert_int_equal(mkdir("proc", 0755), 0);
	assert_int_equal(mount("proc", "proc", "proc", 0, NULL), 0);
	assert_int_equal(PREPARE(state, &shifted, &err, "proc"), -1);
	assert_string_equal(err.text, text);
	assert_string_equal(err.hint, "keep ISORUN_ROOT on ext4, xfs or btrfs");
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_int_equal(umount2("proc", MNT_DETACH), 0);
	free(text);
}

static void nothing_is_seen_by_the_host(void **state)
{
	struct error err;
	CLEANUP_CLOSE int prepared = PREPARE(state, &shifted, &err, "low", "high");
	CLEANUP_BUF struct buf mounts = { 0 };
	CLEANUP_CLOSE int fd = -1;
	char *path = memory_format("/proc/%d/mountinfo", (int)getppid());

	/* Our parent lives in the namespace that we left. */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_read_all(fd, 1 << 20, &mounts, &err), 0);
	assert_null(strstr(mounts.data, *state));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_upper_layer_covers_the_lower),
		cmocka_unit_test(ids_of_every_layer_are_shifted),
		cmocka_unit_test(without_ids_they_are_as_on_disk),
		cmocka_unit_test(a_clone_is_read_only_nosuid_and_nodev),
		cmocka_unit_test(one_layer_may_be_cloned_writable),
		cmocka_unit_test(a_hundred_layers_are_fine),
		cmocka_unit_test(a_missing_layer_is_named),
		cmocka_unit_test(a_file_system_that_cannot_shift_ids_is_said_to_be_unsupported),
		cmocka_unit_test(nothing_is_seen_by_the_host),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root: idmapped mounts\n");
		return 0;
	}
	return cmocka_run_group_tests_name("root", tests, setup, teardown);
}
