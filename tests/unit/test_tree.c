/* Unpacking: what an honest archive becomes, and what a hostile one does not. */
#include "store/tree.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory with "outside" (untouched, we hope), "in" (unpacked into) and an archive. */
struct fixture {
	char path[40];
	int dir, in;
	struct archive *archive;
};

static int set_up(void **state)
{
	struct fixture *f = memory_new(1, sizeof *f);

	strcpy(f->path, "/dev/shm/isorun-tree-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(f->dir, "in", 0755) < 0 || mkdirat(f->dir, "outside", 0755) < 0)
		return -1;
	f->in = openat(f->dir, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->archive = archive_write_new();
	archive_write_set_format_pax_restricted(f->archive);
	*state = f;
	return archive_write_open_fd(
		f->archive, openat(f->dir, "tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct error err;

	(void)file_remove_tree(AT_FDCWD, f->path, &err); /* a test's leftovers */
	close(f->dir);
	close(f->in);
	free(f);
	return 0;
}

static void add(struct fixture *f, mode_t mode, const char *path, const char *text)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_mtime(entry, 1700000000, 0);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(entry, text);
	else if (S_ISREG(mode))
		archive_entry_set_size(entry, (la_int64_t)strlen(text));
	else if (mode == 0)
		archive_entry_set_hardlink(entry, text);
	assert_int_equal(archive_write_header(f->archive, entry), ARCHIVE_OK);
	if (S_ISREG(mode))
		archive_write_data(f->archive, text, strlen(text));
	archive_entry_free(entry);
}

static int unpack(struct fixture *f, enum tree_flags flags, struct error *err)
{
	CLEANUP_CLOSE int tar = -1;

	archive_write_free(f->archive);
	tar = openat(f->dir, "tar", O_RDONLY | O_CLOEXEC);
	return tree_unpack(tar, f->in, flags, err);
}

static void assert_refused(struct fixture *f, const char *text)
{
	struct error err = { 0 };

	assert_int_equal(unpack(f, TREE_PLAIN, &err), -1);
	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, ERROR_INTEGRITY);
	assert_int_equal(unlinkat(f->dir, "outside", AT_REMOVEDIR), 0); /* still empty */
}

static void an_archive_becomes_files_with_their_modes(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err = { 0 };
	struct stat status;

	add(f, S_IFDIR | 0755, "./", NULL);
	add(f, S_IFDIR | 0555, "./a/", NULL);
	add(f, S_IFREG | 04751, "./a/f", "hello");
	add(f, S_IFLNK | 0777, "a/l", "/etc/passwd");
	add(f, 0, "h", "a/f");
	add(f, S_IFREG | 0644, "deep/er/f", "x");

	if (unpack(f, TREE_PLAIN, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(fstatat(f->in, "a/f", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0751); /* without set-id */
	assert_int_equal(status.st_mtime, 1700000000);
	assert_int_equal(status.st_nlink, 2);
	assert_int_equal(fstatat(f->in, "a", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0555);
	assert_int_equal(status.st_mtime, 1700000000);
	assert_int_equal(file_read_at(f->in, "h", 100, &text, &err), 0);
	assert_string_equal(text.data, "hello");
}

static void a_merged_usr_takes_what_is_in_bin(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	add(f, S_IFDIR | 0755, "usr/bin", NULL);
	add(f, S_IFLNK | 0777, "bin", "usr/bin");
	add(f, S_IFREG | 0755, "./bin/sh", "x");
	add(f, 0, "bin/rsh", "bin/sh");

	if (unpack(f, TREE_MERGE_USR, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_equal(faccessat(f->in, "usr/bin/rsh", X_OK, 0), 0);
}

static void a_path_upwards_is_refused(void **state)
{
	add(*state, S_IFREG | 0644, "a/../../outside/x", "x");
	assert_refused(*state, "entry a/../../outside/x: \"..\" is not allowed");
}

static void an_absolute_path_is_refused(void **state)
{
	add(*state, S_IFREG | 0644, "/etc/x", "x");
	assert_refused(*state, "entry /etc/x: an absolute path is not allowed");
}

static void writing_through_a_symlink_is_refused(void **state)
{
	add(*state, S_IFLNK | 0777, "l", "../outside");
	add(*state, S_IFREG | 0644, "l/x", "x");
	assert_refused(*state, "entry l/x: l is not a directory");
}

static void a_chain_of_symlinks_is_refused(void **state)
{
	add(*state, S_IFDIR | 0755, "d", NULL);
	add(*state, S_IFLNK | 0777, "d/l", "..");
	add(*state, S_IFLNK | 0777, "up", "d/l/outside");
	add(*state, S_IFDIR | 0755, "up/new", NULL);
	assert_refused(*state, "entry up/new: up is not a directory");
}

static void a_hard_link_to_a_symlink_is_refused(void **state)
{
	add(*state, S_IFLNK | 0777, "l", "/etc/passwd");
	add(*state, 0, "h", "l");
	assert_refused(*state, "entry h: a hard link to l, which is not a file in the archive");
}

static void a_hard_link_upwards_is_refused(void **state)
{
	add(*state, 0, "h", "../tar");
	assert_refused(*state, "entry h: \"..\" is not allowed");
}

static void a_device_is_refused(void **state)
{
	add(*state, S_IFCHR | 0666, "null", NULL);
	assert_refused(*state, "entry null: a device is not allowed");
}

static void a_fifo_is_refused(void **state)
{
	add(*state, S_IFIFO | 0666, "p", NULL);
	assert_refused(*state, "entry p: a FIFO is not allowed");
}

static void a_directory_is_not_replaced_by_a_symlink(void **state)
{
	add(*state, S_IFDIR | 0755, "d", NULL);
	add(*state, S_IFLNK | 0777, "d", "../outside");
	assert_refused(*state, "entry d: a directory stands in its place");
}

static void a_symlink_is_not_taken_for_a_directory(void **state)
{
	add(*state, S_IFLNK | 0777, "d", "../outside");
	add(*state, S_IFDIR | 0755, "d", NULL);
	assert_refused(*state, "entry d: something that is not a directory stands in its place");
}

static void more_than_the_bound_is_refused(void **state)
{
	setenv("ISORUN_MAX_UNPACKED", "4", 1);
	add(*state, S_IFREG | 0644, "f", "hello");
	assert_refused(*state, "entry f: unpacked, it is larger than ISORUN_MAX_UNPACKED allows");
	unsetenv("ISORUN_MAX_UNPACKED");
}

static void a_path_of_two_thousand_levels_is_refused(void **state)
{
	CLEANUP_BUF struct buf path = { 0 };
	struct fixture *f = *state;
	struct error err = { 0 };

	for (int i = 0; i < 1900; i++)
		buf_add_str(&path, "a/");
	buf_add_str(&path, "a");
	add(f, S_IFREG | 0644, path.data, "x");

	assert_int_equal(unpack(f, TREE_PLAIN, &err), -1);

	assert_non_null(strstr(err.text, ": nested too deep"));
	assert_int_equal(err.kind, ERROR_INTEGRITY);
}

static void a_component_of_three_hundred_bytes_is_refused(void **state)
{
	char name[301];
	struct fixture *f = *state;
	struct error err = { 0 };

	memset(name, 'a', 300);
	name[300] = '\0';
	add(f, S_IFREG | 0644, name, "x");

	assert_int_equal(unpack(f, TREE_PLAIN, &err), -1);

	assert_non_null(strstr(err.text, ": a component too long"));
}

static void text_that_is_no_archive_is_refused(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	CLEANUP_CLOSE int fd = -1;

	archive_write_free(f->archive);
	fd = openat(f->dir, "tar", O_RDWR | O_TRUNC | O_CLOEXEC);
	assert_int_equal(file_write_all(fd, "no archive at all", 17, &err), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);

	assert_int_equal(tree_unpack(fd, f->in, TREE_PLAIN, &err), -1);

	assert_string_equal(err.text, "Unrecognized archive format");
	assert_int_equal(err.kind, ERROR_INTEGRITY);
}

/* The archive as a layer of a store, unpacked there; returns its diff_id. */
static void make_layer(struct fixture *f, struct store *store, struct digest *ret)
{
	CLEANUP_FREE char *path = memory_format("%s/store", f->path);
	CLEANUP_FREE char *tree = NULL;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err = { 0 };

	archive_write_free(f->archive);
	if (store_open(path, store, &err) < 0 ||
		file_read_at(f->dir, "tar", 1 << 20, &text, &err) < 0 ||
		store_put_blob(store, text.data, text.len, ret, &err) < 0 ||
		tree_ensure(store, ret, &tree, &err) < 0)
		fail_msg("%s", err.text);
}

/* Breaks a layer's tree by what change does in it and expects verify to say text. */
static void assert_found(struct fixture *f, void (*change)(int tree), const char *text)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_FREE char *expected = NULL;
	CLEANUP_CLOSE int tree = -1;
	struct error err = { 0 };
	struct digest diff_id;
	struct store store;

	add(f, S_IFDIR | 0755, "d", NULL);
	add(f, S_IFREG | 0644, "d/f", "hello");
	add(f, S_IFREG | 0644, "implied/g", "hello");
	add(f, S_IFLNK | 0777, "l", "d/f");
	add(f, 0, "h", "d/f");
	make_layer(f, &store, &diff_id);
	assert_int_equal(tree_verify(&store, &diff_id, &err), 0);
	path = memory_format("trees/%s", diff_id.hex);
	tree = openat(store.dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	change(tree);

	assert_int_equal(tree_verify(&store, &diff_id, &err), -1);

	expected = memory_format("%s: %s", path, text);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, ERROR_INTEGRITY);
	store_done(&store);
}

static void change_content(int tree)
{
	CLEANUP_CLOSE int fd = openat(tree, "d/f", O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "J", 1, 0), 1);
}

static void change_mode(int tree)
{
	assert_int_equal(fchmodat(tree, "d", 0777, 0), 0);
}

static void add_file(int tree)
{
	assert_int_equal(mkdirat(tree, "implied/more", 0755), 0);
}

static void remove_link(int tree)
{
	assert_int_equal(unlinkat(tree, "l", 0), 0);
}

static void changed_content_is_found(void **state)
{
	assert_found(*state, change_content, "d/f: its content differs");
}

static void a_changed_mode_is_found(void **state)
{
	assert_found(*state, change_mode, "d: its mode differs");
}

static void an_added_file_is_found(void **state)
{
	assert_found(*state, add_file, "implied/more: it does not belong there");
}

static void a_removed_file_is_found(void **state)
{
	assert_found(*state, remove_link, "l: it is gone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_archive_becomes_files_with_their_modes),
		TEST(a_merged_usr_takes_what_is_in_bin),
		TEST(a_path_upwards_is_refused),
		TEST(an_absolute_path_is_refused),
		TEST(writing_through_a_symlink_is_refused),
		TEST(a_chain_of_symlinks_is_refused),
		TEST(a_hard_link_to_a_symlink_is_refused),
		TEST(a_hard_link_upwards_is_refused),
		TEST(a_device_is_refused),
		TEST(a_fifo_is_refused),
		TEST(a_directory_is_not_replaced_by_a_symlink),
		TEST(a_symlink_is_not_taken_for_a_directory),
		TEST(more_than_the_bound_is_refused),
		TEST(a_path_of_two_thousand_levels_is_refused),
		TEST(a_component_of_three_hundred_bytes_is_refused),
		TEST(text_that_is_no_archive_is_refused),
		TEST(changed_content_is_found),
		TEST(a_changed_mode_is_found),
		TEST(an_added_file_is_found),
		TEST(a_removed_file_is_found),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
