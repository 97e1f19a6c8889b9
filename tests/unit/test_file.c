/* Whole files, exact writes, trees. Each test has a directory of its own. */
#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A test's directory: its descriptor and its path. */
struct place {
	int dir;
	char path[40];
};

static int set_up(void **state)
{
	static struct place place;

	(void)snprintf(place.path, sizeof place.path, "/tmp/isorun-file-XXXXXX");
	if (!mkdtemp(place.path))
		return -1;
	place.dir = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &place;
	return place.dir < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	struct error err;

	(void)close(place->dir);
	return file_remove_tree(AT_FDCWD, place->path, &err);
}

static void put(int dir, const char *name, const char *text)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static bool exists(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int count_entries(int dir)
{
	CLEANUP_CLOSEDIR DIR *list = fdopendir(openat(dir, ".", O_RDONLY | O_CLOEXEC));
	int count = -2; /* . and .. */

	while (readdir(list))
		count++;
	return count;
}

static void a_file_is_read_whole(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "f", "hello");
	assert_int_equal(file_read_at(place->dir, "f", 5, &text, &err), 0);
	assert_int_equal(file_read_at(place->dir, "f", 5, &text, &err), 0);
	assert_string_equal(text.data, "hellohello");
}

static void an_empty_file_is_an_empty_text(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "f", "");
	assert_int_equal(file_read_at(place->dir, "f", 0, &text, &err), 0);
	assert_string_equal(text.data, "");
}

static void what_is_too_large_is_refused(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "f", "hello");
	assert_int_equal(file_read_at(place->dir, "f", 4, &text, &err), -1);
	assert_string_equal(err.text, "f: larger than 4 bytes");
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/status", 4, &text, &err), -1);
	assert_string_equal(err.text, "/proc/self/status: larger than 4 bytes");
}

static void only_regular_files_are_read(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "f", "hello");
	assert_int_equal(symlinkat("f", place->dir, "link"), 0);
	assert_int_equal(mkfifoat(place->dir, "fifo", 0600), 0);
	assert_int_equal(file_read_at(place->dir, "link", 9, &text, &err), -1);
	assert_string_equal(err.text, "link: Too many levels of symbolic links");
	assert_int_equal(file_read_at(place->dir, "fifo", 9, &text, &err), -1);
	assert_string_equal(err.text, "fifo: not a regular file");
	assert_int_equal(file_read_at(place->dir, ".", 9, &text, &err), -1);
	assert_string_equal(err.text, ".: not a regular file");
	assert_int_equal(file_read_at(place->dir, "none", 9, &text, &err), -1);
	assert_string_equal(err.text, "none: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
}

static void a_file_is_replaced_whole(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;
	struct stat status;
	mode_t old = umask(0077);

	put(place->dir, "f", "something much longer");
	assert_int_equal(file_write_at(place->dir, "f", 0644, "new", 3, &err), 0);
	(void)umask(old);
	assert_int_equal(file_read_at(place->dir, "f", 99, &text, &err), 0);
	assert_string_equal(text.data, "new");
	assert_int_equal(fstatat(place->dir, "f", &status, 0), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0644);
	assert_int_equal(count_entries(place->dir), 1);
}

static void a_symlink_is_replaced_not_followed(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "target", "old");
	assert_int_equal(symlinkat("target", place->dir, "f"), 0);
	assert_int_equal(file_write_at(place->dir, "f", 0600, "new", 3, &err), 0);
	assert_int_equal(file_read_at(place->dir, "target", 9, &text, &err), 0);
	assert_string_equal(text.data, "old");
}

static void a_write_that_fails_leaves_nothing(void **state)
{
	const struct place *place = *state;
	struct error err;

	assert_int_equal(mkdirat(place->dir, "d", 0700), 0);
	assert_int_equal(file_write_at(place->dir, "d", 0600, "x", 1, &err), -1);
	assert_string_equal(err.text, "d: Is a directory");
	assert_int_equal(file_write_at(place->dir, "no/f", 0600, "x", 1, &err), -1);
	assert_string_equal(err.text, "no/f: create: No such file or directory");
	assert_int_equal(count_entries(place->dir), 1);
}

static void a_path_may_have_directories_and_dir_may_be_a_path_only(void **state)
{
	const struct place *place = *state;
	CLEANUP_CLOSE int path = openat(place->dir, ".", O_PATH | O_CLOEXEC);
	char whole[80];
	struct error err;

	(void)snprintf(whole, sizeof whole, "%s/d/f", place->path);
	assert_int_equal(mkdirat(place->dir, "d", 0700), 0);
	assert_int_equal(file_write_at(AT_FDCWD, whole, 0600, "x", 1, &err), 0);
	assert_int_equal(file_write_at(path, "d/g", 0600, "x", 1, &err), 0);
	assert_int_equal(file_write_at(path, "h", 0600, "x", 1, &err), 0);
	assert_true(exists(place->dir, "d/f") && exists(place->dir, "d/g"));
}

static void setting_writes_into_the_file_that_is_there(void **state)
{
	const struct place *place = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	put(place->dir, "f", "");
	assert_int_equal(file_set_at(place->dir, "f", "1", &err), 0);
	assert_int_equal(file_read_at(place->dir, "f", 9, &text, &err), 0);
	assert_string_equal(text.data, "1");
	assert_int_equal(file_set_at(place->dir, "none", "1", &err), -1);
	assert_string_equal(err.text, "none: No such file or directory");
	assert_false(exists(place->dir, "none"));
	assert_int_equal(file_set_at(AT_FDCWD, "/dev/full", "1", &err), -1);
	assert_string_equal(err.text, "write 1 to /dev/full: No space left on device");
}

static void missing_directories_are_made(void **state)
{
	const struct place *place = *state;
	struct error err;
	struct stat status;
	int fd = file_open_dir(place->dir, "a/b//c", 0700, &err);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
	assert_int_equal(fstatat(place->dir, "a/b/c", &status, 0), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0700);
	fd = file_open_dir(place->dir, "a/b/c/", 0700, &err);
	assert_true(fd >= 0);
	(void)close(fd);
	put(place->dir, "f", "");
	assert_int_equal(file_open_dir(place->dir, "f", 0700, &err), -1);
	assert_string_equal(err.text, "open directory f: Not a directory");
	assert_int_equal(file_open_dir(place->dir, "f/g", 0700, &err), -1);
	assert_string_equal(err.text, "make directory f/g: Not a directory");
}

static void a_tree_is_removed_and_links_are_not_followed(void **state)
{
	const struct place *place = *state;
	CLEANUP_CLOSE int fd = -1;
	struct error err;

	fd = file_open_dir(place->dir, "tree/sub/deep", 0700, &err);
	assert_int_equal(mkdirat(place->dir, "outside", 0700), 0);
	put(place->dir, "outside/f", "");
	assert_int_equal(symlinkat("../../outside", place->dir, "tree/sub/link"), 0);
	assert_int_equal(mkfifoat(place->dir, "tree/fifo", 0600), 0);
	for (int i = 0; i < 3000; i++) {
		char name[40];

		(void)snprintf(name, sizeof name, "tree/sub/file-%d", i);
		put(place->dir, name, "");
	}
	assert_int_equal(file_remove_tree(place->dir, "tree", &err), 0);
	assert_false(exists(place->dir, "tree"));
	assert_true(exists(place->dir, "outside/f"));
	assert_int_equal(file_remove_tree(place->dir, "tree", &err), 0);
	assert_int_equal(file_remove_tree(place->dir, "outside/f", &err), 0);
	assert_false(exists(place->dir, "outside/f"));
}

static void a_tree_deeper_than_descriptors_reach_is_removed(void **state)
{
	const struct place *place = *state;
	const struct rlimit few = { .rlim_cur = 256, .rlim_max = 256 };
	struct error err;
	int at = openat(place->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 5000; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	put(at, "f", "");
	(void)close(at);
	if (file_remove_tree(place->dir, "d", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count_entries(place->dir), 0);
}

static void what_is_mounted_in_a_tree_is_left_alone(void **state)
{
	const struct place *place = *state;
	CLEANUP_CLOSE int fd = -1;
	char tree[80], other[80];
	struct error err;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("mounting needs root\n");
		skip();
	}
	fd = file_open_dir(place->dir, "tree/mount", 0700, &err);
	assert_int_equal(mkdirat(place->dir, "other", 0700), 0);
	put(place->dir, "other/f", "");
	(void)snprintf(tree, sizeof tree, "%s/tree/mount", place->path);
	(void)snprintf(other, sizeof other, "%s/other", place->path);
	assert_int_equal(mount(other, tree, NULL, MS_BIND, NULL), 0);
	assert_int_equal(file_remove_tree(place->dir, "tree", &err), -1);
	assert_string_equal(err.text, "remove mount: something is mounted on it");
	assert_true(exists(place->dir, "other/f"));
	assert_int_equal(umount(tree), 0);
	assert_int_equal(file_remove_tree(place->dir, "tree", &err), 0);
}

int main(void)
{
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		FILE_TEST(a_file_is_read_whole),
		FILE_TEST(an_empty_file_is_an_empty_text),
		FILE_TEST(what_is_too_large_is_refused),
		FILE_TEST(only_regular_files_are_read),
		FILE_TEST(a_file_is_replaced_whole),
		FILE_TEST(a_symlink_is_replaced_not_followed),
		FILE_TEST(a_write_that_fails_leaves_nothing),
		FILE_TEST(a_path_may_have_directories_and_dir_may_be_a_path_only),
		FILE_TEST(setting_writes_into_the_file_that_is_there),
		FILE_TEST(missing_directories_are_made),
		FILE_TEST(a_tree_is_removed_and_links_are_not_followed),
		FILE_TEST(what_is_mounted_in_a_tree_is_left_alone),
		FILE_TEST(a_tree_deeper_than_descriptors_reach_is_removed),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
