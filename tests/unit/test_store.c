/* The store: opening, blobs, locks, and what dead owners left. */
#include "store/store.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[40];
	char *path;
	struct store store;
};

static int set_up(void **state)
{
	struct fixture *f = memory_new(1, sizeof *f);
	struct error err;

	strcpy(f->dir, "/dev/shm/isorun-store-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->path = memory_format("%s/a/store", f->dir);
	*state = f;
	return store_open(f->path, &f->store, &err);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct error err;

	store_done(&f->store);
	(void)file_remove_tree(AT_FDCWD, f->dir, &err); /* a test's leftovers */
	free(f->path);
	free(f);
	return 0;
}

static bool exists(const struct fixture *f, const char *name)
{
	return faccessat(f->store.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void reopen(struct fixture *f)
{
	struct error err = { 0 };

	store_done(&f->store);
	if (store_open(f->path, &f->store, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_store_is_private(void **state)
{
	struct fixture *f = *state;
	struct stat status;

	assert_int_equal(fstat(f->store.dir, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(fstatat(f->store.dir, "apps", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

static void a_directory_of_something_else_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *path = memory_format("%s/a", f->dir);
	CLEANUP_FREE char *text =
		memory_format("store %s: it is a directory of something else: it has store", path);
	struct error err = { 0 };
	struct store store;

	assert_int_equal(store_open(path, &store, &err), -1);

	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, ERROR_USAGE);
}

static void a_store_of_a_later_version_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *text =
		memory_format("store %s: a store of version 2; this isorun knows 1", f->path);
	struct error err = { 0 };
	struct store store;

	assert_int_equal(file_write_at(f->store.dir, "version", 0600, "2\n", 2, &err), 0);

	assert_int_equal(store_open(f->path, &store, &err), -1);

	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void a_blob_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct digest digest;
	struct error err;

	assert_int_equal(store_put_blob(&f->store, "hello", 5, &digest, &err), 0);
	assert_int_equal(store_put_blob(&f->store, "hello", 5, &digest, &err), 0);

	assert_string_equal(
		digest.hex, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	assert_true(store_has_blob(&f->store, &digest));
	assert_int_equal(store_read_blob(&f->store, &digest, 5, &text, &err), 0);
	assert_string_equal(text.data, "hello");
}

static void a_blob_that_was_changed_is_not_read(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *name = NULL;
	CLEANUP_BUF struct buf text = { 0 };
	struct digest digest;
	struct error err;

	assert_int_equal(store_put_blob(&f->store, "hello", 5, &digest, &err), 0);
	name = memory_format("blobs/sha256/%s", digest.hex);
	assert_int_equal(file_write_at(f->store.dir, name, 0600, "hallo", 5, &err), 0);

	assert_int_equal(store_read_blob(&f->store, &digest, 5, &text, &err), -1);

	assert_int_equal(err.kind, ERROR_INTEGRITY);
}

static void a_blob_with_another_digest_than_wanted_does_not_appear(void **state)
{
	struct fixture *f = *state;
	struct store_writer writer;
	struct digest wanted;
	struct digest digest;
	struct error err;

	digest_bytes("hello", 5, &wanted);
	assert_int_equal(store_writer_begin(&f->store, &writer, &err), 0);
	assert_int_equal(store_writer_add(&writer, "hallo", 5, &err), 0);

	assert_int_equal(store_writer_finish(&writer, &wanted, &digest, &err), -1);

	assert_int_equal(err.kind, ERROR_INTEGRITY);
	assert_false(store_has_blob(&f->store, &wanted));
	assert_true(exists(f, writer.name));
	store_writer_discard(&writer);
	assert_int_equal(writer.fd, -1);
}

static void what_a_dead_owner_left_is_swept(void **state)
{
	struct fixture *f = *state;
	char name[80];
	struct error err;
	int fd = store_make_tmp(&f->store, name, &err);

	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, "below", 0700), 0);
	close(fd); /* as the kernel does when the owner dies */

	reopen(f);

	assert_false(exists(f, name));
}

static void what_a_living_owner_makes_is_left_alone(void **state)
{
	struct fixture *f = *state;
	char name[80];
	struct error err;
	CLEANUP_CLOSE int fd = store_make_tmp(&f->store, name, &err);

	reopen(f);

	assert_true(exists(f, name));
}

static void what_isorun_did_not_make_is_not_swept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdirat(f->store.dir, "tmp/somebody's", 0700), 0);

	reopen(f);

	assert_true(exists(f, "tmp/somebody's"));
}

static bool is_locked(const struct store *store, const char *kind, const char *name)
{
	struct error err;
	int status;
	pid_t child = fork();

	if (child == 0) {
		alarm(1);
		_exit(store_lock(store, kind, name, &err) < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status);
}

static void a_lock_keeps_others_out_until_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct error err;
	int lock = store_lock(&f->store, "tree", "x", &err);

	assert_true(is_locked(&f->store, "tree", "x"));
	assert_false(is_locked(&f->store, "tree", "y"));
	assert_false(is_locked(&f->store, "image", "x"));

	close(lock);

	assert_false(is_locked(&f->store, "tree", "x"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_store_is_private),
		TEST(a_directory_of_something_else_is_refused),
		TEST(a_store_of_a_later_version_is_refused),
		TEST(a_blob_comes_back_as_it_was),
		TEST(a_blob_that_was_changed_is_not_read),
		TEST(a_blob_with_another_digest_than_wanted_does_not_appear),
		TEST(what_a_dead_owner_left_is_swept),
		TEST(what_a_living_owner_makes_is_left_alone),
		TEST(what_isorun_did_not_make_is_not_swept),
		TEST(a_lock_keeps_others_out_until_it_is_closed),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
