/* Paths in a root that somebody else filled: nothing leads out of it. */
#include "kernel/path.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct tree {
	char dir[32];
	int root;
};

static int setup(void **state)
{
	static struct tree tree = { .dir = "/tmp/isorun-path-XXXXXX" };

	if (!mkdtemp(tree.dir))
		return -1;
	tree.root = open(tree.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(tree.root, "in", 0755) < 0 || symlinkat("/in", tree.root, "absolute") < 0 ||
		symlinkat("../../../../in", tree.root, "climbing") < 0 ||
		symlinkat("/proc/self/fd/0", tree.root, "in/magic") < 0 ||
		symlinkat("/nowhere", tree.root, "dangling") < 0 ||
		mknodat(tree.root, "file", S_IFREG | 0644, 0) < 0)
		return -1;
	*state = &tree;
	return 0;
}

static int teardown(void **state)
{
	const struct tree *tree = *state;
	struct error err;

	close(tree->root);
	return file_remove_tree(AT_FDCWD, tree->dir, &err);
}

static bool same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static void every_symlink_is_resolved_inside_the_root(void **state)
{
	static const char *const paths[] = { "/in", "absolute", "climbing", "/../../in", "in/." };
	const struct tree *tree = *state;
	CLEANUP_CLOSE int in = openat(tree->root, "in", O_PATH | O_CLOEXEC);

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		CLEANUP_CLOSE int fd = path_open(tree->root, paths[i], O_PATH, 0);

		assert_true(fd >= 0);
		assert_true(same(fd, in));
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
}

static void magic_links_are_refused(void **state)
{
	CLEANUP_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(path_open(root, "/proc/self/fd/0", O_PATH, 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(path_open(root, "/proc/self/cwd", O_PATH, 0), -1);
	assert_int_equal(errno, ELOOP);
}

static void missing_directories_are_made_each_in_its_parent(void **state)
{
	const struct tree *tree = *state;
	struct error err;
	struct stat status;
	CLEANUP_CLOSE int fd = path_make_dir(tree->root, "/absolute/a/b", 0, &err);

	assert_true(fd >= 0);
	assert_int_equal(fstatat(tree->root, "in/a/b", &status, 0), 0);
	assert_true(S_ISDIR(status.st_mode));
}

static void nothing_is_made_through_a_dangling_symlink(void **state)
{
	const struct tree *tree = *state;
	struct error err;

	assert_int_equal(path_make_dir(tree->root, "/dangling", 0, &err), -1);
	assert_string_equal(err.text, "in the root, /dangling is not a directory");
	assert_int_equal(faccessat(tree->root, "nowhere", F_OK, 0), -1);
	assert_int_equal(access("/nowhere", F_OK), -1);
}

static void a_strict_path_is_reached_through_no_symlink(void **state)
{
	const struct tree *tree = *state;
	struct error err;

	assert_int_equal(path_make_dir(tree->root, "/absolute", 1, &err), -1);
	assert_string_equal(err.text, "in the root, /absolute is not a directory");
	assert_int_equal(path_make_dir(tree->root, "/file", 1, &err), -1);
	assert_string_equal(err.text, "in the root, /file is not a directory");
}

static void a_missing_file_is_made_empty(void **state)
{
	const struct tree *tree = *state;
	struct error err;
	struct stat status;
	CLEANUP_CLOSE int fd = path_make_file(tree->root, "/in/new/name", &err);

	assert_true(fd >= 0);
	assert_int_equal(fstatat(tree->root, "in/new/name", &status, 0), 0);
	assert_true(S_ISREG(status.st_mode));
	assert_int_equal(status.st_size, 0);
}

static void what_cannot_be_made_is_said_to_be_missing(void **state)
{
	CLEANUP_CLOSE int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	(void)state;
	assert_int_equal(path_make_dir(root, "/nothing", 0, &err), -1);
	assert_string_equal(err.text, "the root has no directory /nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_symlink_is_resolved_inside_the_root),
		cmocka_unit_test(magic_links_are_refused),
		cmocka_unit_test(missing_directories_are_made_each_in_its_parent),
		cmocka_unit_test(nothing_is_made_through_a_dangling_symlink),
		cmocka_unit_test(a_strict_path_is_reached_through_no_symlink),
		cmocka_unit_test(a_missing_file_is_made_empty),
		cmocka_unit_test(what_cannot_be_made_is_said_to_be_missing),
	};

	return cmocka_run_group_tests_name("path", tests, setup, teardown);
}
