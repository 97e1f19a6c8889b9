/* Image layouts: out of one store into a tar, and from a tar into another. */
#include "image/layout.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Two stores and a place for archives, in a directory of the test's own. */
struct fixture {
	char dir[32];
	struct store here, there;
	struct digest layer, config, manifest;
	char *path; /* of the archive */
};

static int set_up(void **state)
{
	struct fixture *f = memory_new(1, sizeof *f);
	CLEANUP_FREE char *here = NULL;
	CLEANUP_FREE char *there = NULL;
	struct error err;

	strcpy(f->dir, "/tmp/isorun-layout-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	here = memory_format("%s/here", f->dir);
	there = memory_format("%s/there", f->dir);
	f->path = memory_format("%s/image.tar", f->dir);
	*state = f;
	return store_open(here, &f->here, &err) < 0 || store_open(there, &f->there, &err) < 0 ||
			       store_put_blob(&f->here, "layer", 5, &f->layer, &err) < 0 ||
			       store_put_blob(&f->here, "{}", 2, &f->config, &err) < 0 ||
			       layout_put_image(
				       &f->here, &f->config, &f->layer, 1, &f->manifest, &err) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct error err;

	store_done(&f->here);
	store_done(&f->there);
	(void)file_remove_tree(AT_FDCWD, f->dir, &err); /* a test's leftovers */
	free(f->path);
	free(f);
	return 0;
}

static void write_image(struct fixture *f)
{
	struct layout_options options = { .date = 1700000000, .mode = 0600, .ref = "hello:1" };
	struct error err = { 0 };

	if (layout_write(&f->here, &f->manifest, &options, f->path, &err) < 0)
		fail_msg("%s", err.text);
}

static int import(struct fixture *f, struct digest *ret, bool *known, struct error *err)
{
	CLEANUP_CLOSE int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	const struct layout_source source = { .fd = fd, .name = "image.tar" };

	return layout_import(&f->there, &source, ret, known, err);
}

static void an_image_arrives_with_the_same_digest(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct digest manifest;
	struct error err = { 0 };
	bool known;

	write_image(f);

	if (import(f, &manifest, &known, &err) < 0)
		fail_msg("%s", err.text);

	assert_string_equal(manifest.hex, f->manifest.hex);
	assert_false(known);
	assert_int_equal(store_read_blob(&f->there, &f->layer, 100, &text, &err), 0);
	assert_string_equal(text.data, "layer");
}

static void an_image_that_is_known_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct digest manifest;
	struct error err = { 0 };
	bool known = false;

	write_image(f);
	assert_int_equal(import(f, &manifest, &known, &err), 0);

	assert_int_equal(import(f, &manifest, &known, &err), 0);

	assert_true(known);
	assert_string_equal(manifest.hex, f->manifest.hex);
}

static void the_same_image_gives_the_same_bytes(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf first = { 0 };
	CLEANUP_BUF struct buf second = { 0 };
	struct stat status;
	struct error err;

	write_image(f);
	assert_int_equal(file_read_at(AT_FDCWD, f->path, 1 << 20, &first, &err), 0);
	write_image(f);
	assert_int_equal(file_read_at(AT_FDCWD, f->path, 1 << 20, &second, &err), 0);

	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	assert_int_equal(stat(f->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_image_arrives_with_the_same_digest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_image_that_is_known_is_not_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_same_image_gives_the_same_bytes, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
