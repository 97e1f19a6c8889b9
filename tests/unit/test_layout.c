/* Image layouts: out of one store into a tar, and from a tar into another. */
#include "image/layout.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char empty_tar[1024];

/* Two stores and a place for archives, in a directory of the test's own. */
struct fixture {
	char dir[40];
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

	strcpy(f->dir, "/dev/shm/isorun-layout-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	here = memory_format("%s/here", f->dir);
	there = memory_format("%s/there", f->dir);
	f->path = memory_format("%s/image.tar", f->dir);
	*state = f;
	return store_open(here, &f->here, &err) < 0 || store_open(there, &f->there, &err) < 0 ||
			       store_put_blob(&f->here, empty_tar, sizeof empty_tar, &f->layer,
				       &err) < 0 ||
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
	assert_int_equal(store_read_blob(&f->there, &f->layer, 1024, &text, &err), 0);
	assert_int_equal(text.len, sizeof empty_tar);
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

/* How many entries a directory of the store has. */
static int count(const struct store *store, const char *name)
{
	int fd = openat(store->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = fdopendir(fd);
	int entries = -2; /* "." and ".." */

	while (readdir(list))
		entries++;
	return entries;
}

static void assert_unchanged(const struct fixture *f)
{
	assert_int_equal(count(&f->there, "blobs/sha256"), 0);
	assert_int_equal(count(&f->there, "trees"), 0);
	assert_int_equal(count(&f->there, "tmp"), 0);
}

static void write_file(struct fixture *f, const char *data, size_t len)
{
	CLEANUP_CLOSE int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct error err;

	assert_int_equal(file_write_all(fd, data, len, &err), 0);
}

/* Makes the other store new again. */
static void renew(struct fixture *f)
{
	CLEANUP_FREE char *path = memory_copy_str(f->there.path);
	struct error err;

	store_done(&f->there);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
	assert_int_equal(store_open(path, &f->there, &err), 0);
}

static void assert_refused_or_same(struct fixture *f, size_t at)
{
	struct digest manifest;
	struct error err = { 0 };
	bool known;

	if (import(f, &manifest, &known, &err) == 0) {
		assert_string_equal(manifest.hex, f->manifest.hex);
		renew(f);
		return;
	}
	if (err.kind != ERROR_INTEGRITY && err.kind != ERROR_UNSUPPORTED)
		fail_msg("at %zu: kind %d: %s", at, err.kind, err.text);
	assert_unchanged(f);
}

static void a_flipped_bit_is_noticed_or_means_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	write_image(f);
	assert_int_equal(file_read_at(AT_FDCWD, f->path, 1 << 20, &text, &err), 0);

	for (size_t at = 0; at < text.len; at += 61) {
		text.data[at] ^= (char)(1 << at % 8);
		write_file(f, text.data, text.len);
		text.data[at] ^= (char)(1 << at % 8);
		assert_refused_or_same(f, at);
	}
}

static void a_truncated_archive_changes_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct error err;

	write_image(f);
	assert_int_equal(file_read_at(AT_FDCWD, f->path, 1 << 20, &text, &err), 0);

	for (size_t len = 0; len < text.len; len += 256) {
		write_file(f, text.data, len);
		assert_refused_or_same(f, len);
	}
}

/* Archives made entry by entry, as a stranger would. */

struct entry {
	const char *name;
	const char *text; /* a link's target with mode S_IFLNK; NULL ends a list */
	mode_t mode;
};

static void write_entries(struct fixture *f, const struct entry *entries)
{
	struct archive *archive = archive_write_new();

	archive_write_set_format_ustar(archive);
	assert_int_equal(archive_write_open_filename(archive, f->path), ARCHIVE_OK);
	for (; entries->text; entries++) {
		struct archive_entry *entry = archive_entry_new();

		archive_entry_set_pathname(entry, entries->name);
		archive_entry_set_mode(entry, entries->mode ? entries->mode : S_IFREG | 0644);
		if (S_ISLNK(entries->mode))
			archive_entry_set_symlink(entry, entries->text);
		else
			archive_entry_set_size(entry, (la_int64_t)strlen(entries->text));
		assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
		if (!S_ISLNK(entries->mode))
			archive_write_data(archive, entries->text, strlen(entries->text));
		archive_entry_free(entry);
	}
	archive_write_free(archive);
}

static void assert_refused(struct fixture *f, const struct entry *entries, const char *text)
{
	struct digest manifest;
	struct error err = { 0 };
	bool known;

	write_entries(f, entries);

	assert_int_equal(import(f, &manifest, &known, &err), -1);

	assert_string_equal(err.text, text);
	assert_unchanged(f);
}

#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define A_BLOB "blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define VERSION                                                       \
	{                                                             \
		"oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 0 \
	}
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static void a_blob_with_another_digest_is_refused(void **state)
{
	static const struct entry entries[] = { { A_BLOB, "hallo", 0 }, VERSION, { 0 } };

	assert_refused(*state, entries,
		"image.tar: " A_BLOB ": its digest is "
		"d3751d33f9cd5049c4af2b462735457e4d3baf130bcbb87f389e349fbaeb20b9 instead of "
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

static void a_blob_that_is_a_link_is_refused(void **state)
{
	static const struct entry entries[] = { { A_BLOB, "/etc/shadow", S_IFLNK | 0777 }, { 0 } };

	assert_refused(*state, entries, "image.tar: " A_BLOB ": a link is not allowed");
}

static void a_symlinked_blobs_is_refused(void **state)
{
	static const struct entry entries[] = { { "blobs", "/etc", S_IFLNK | 0777 }, { 0 } };

	assert_refused(*state, entries, "image.tar: blobs: a link is not allowed");
}

static void a_blob_that_is_there_twice_is_refused(void **state)
{
	static const struct entry entries[] = { { A_BLOB, "hello", 0 }, { A_BLOB, "hello", 0 },
		{ 0 } };

	assert_refused(*state, entries, "image.tar: " A_BLOB ": it is there twice");
}

static void a_blob_with_a_strange_name_is_refused(void **state)
{
	static const struct entry entries[] = { { "blobs/sha256/a/b", "x", 0 }, { 0 } };

	assert_refused(
		*state, entries, "image.tar: blobs/sha256/a/b: its name is not a SHA-256 digest");
}

static void an_archive_without_an_index_is_refused(void **state)
{
	static const struct entry entries[] = { { A_BLOB, "hello", 0 }, VERSION, { 0 } };

	assert_refused(*state, entries, "image.tar: not an OCI image layout: it has no index.json");
}

static void an_index_that_is_not_json_is_refused(void **state)
{
	static const struct entry entries[] = { { "index.json", "{", 0 }, VERSION, { 0 } };

	assert_refused(*state, entries,
		"image.tar: index.json:1:1: string or '}' expected near end of file");
}

static void a_manifest_that_is_missing_is_named(void **state)
{
	static const struct entry entries[] = {
		{ "index.json",
			"{\"manifests\":[{\"mediaType\":\"" MANIFEST_TYPE
			"\",\"digest\":\"sha256:" ZEROS "\",\"size\":2}]}",
			0 },
		VERSION, { 0 }
	};

	assert_refused(*state, entries, "image.tar: manifest sha256:" ZEROS " is missing");
}

static void a_wrong_size_is_refused(void **state)
{
	static const struct entry entries[] = { { A_BLOB, "hello", 0 },
		{ "index.json",
			"{\"manifests\":[{\"mediaType\":\"" MANIFEST_TYPE "\",\"digest\":\"sha256:"
			"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043"
			"362938b9824\",\"size\":2}]}",
			0 },
		VERSION, { 0 } };

	assert_refused(*state, entries,
		"image.tar: manifest "
		"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 has 5 "
		"bytes instead of 2");
}

static void two_images_are_refused(void **state)
{
	static const struct entry entries[] = { { "index.json", "{\"manifests\":[{},{}]}", 0 },
		VERSION, { 0 } };

	assert_refused(*state, entries, "image.tar: index.json: 2 images instead of one");
}

static void deep_json_is_refused(void **state)
{
	CLEANUP_FREE char *deep = memory_new(100001, 1);
	const struct entry entries[] = { { "index.json", deep, 0 }, VERSION, { 0 } };

	memset(deep, '[', 100000);
	assert_refused(
		*state, entries, "image.tar: index.json:1:2049: maximum parsing depth reached");
}

static void an_index_of_five_megabytes_is_refused(void **state)
{
	CLEANUP_FREE char *large = memory_new((5 << 20) + 1, 1);
	const struct entry entries[] = { { "index.json", large, 0 }, VERSION, { 0 } };

	memset(large, ' ', 5 << 20);
	assert_refused(*state, entries, "image.tar: index.json: larger than 4194304 bytes");
}

static void an_index_of_a_million_values_is_refused(void **state)
{
	CLEANUP_FREE char *many = memory_new((4 << 20) + 1, 1);
	const struct entry entries[] = { { "index.json", many, 0 }, VERSION, { 0 } };

	memset(many, ',', 4 << 20);
	assert_refused(*state, entries, "image.tar: index.json: more than 1048576 values");
}

/* An image whose documents are right and whose layer is hostile. */
static void a_layer_that_leaves_its_root_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct entry entries[] = { { "../outside", "x", 0 }, { 0 } };
	CLEANUP_FREE char *expected = NULL;
	CLEANUP_BUF struct buf text = { 0 };
	struct digest manifest;
	struct error err = { 0 };
	bool known;

	write_entries(f, entries);
	assert_int_equal(file_read_at(AT_FDCWD, f->path, 1 << 20, &text, &err), 0);
	assert_int_equal(store_put_blob(&f->here, text.data, text.len, &f->layer, &err), 0);
	assert_int_equal(
		layout_put_image(&f->here, &f->config, &f->layer, 1, &f->manifest, &err), 0);
	write_image(f);

	assert_int_equal(import(f, &manifest, &known, &err), -1);

	expected = memory_format(
		"image.tar: layer %.12s: entry ../outside: \"..\" is not allowed", f->layer.hex);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, ERROR_INTEGRITY);
	assert_unchanged(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_arrives_with_the_same_digest),
		TEST(an_image_that_is_known_is_not_read_again),
		TEST(the_same_image_gives_the_same_bytes),
		TEST(a_flipped_bit_is_noticed_or_means_nothing),
		TEST(a_truncated_archive_changes_nothing),
		TEST(a_blob_with_another_digest_is_refused),
		TEST(a_blob_that_is_a_link_is_refused),
		TEST(a_symlinked_blobs_is_refused),
		TEST(a_blob_that_is_there_twice_is_refused),
		TEST(a_blob_with_a_strange_name_is_refused),
		TEST(an_archive_without_an_index_is_refused),
		TEST(an_index_that_is_not_json_is_refused),
		TEST(a_manifest_that_is_missing_is_named),
		TEST(a_wrong_size_is_refused),
		TEST(two_images_are_refused),
		TEST(deep_json_is_refused),
		TEST(an_index_of_five_megabytes_is_refused),
		TEST(an_index_of_a_million_values_is_refused),
		TEST(a_layer_that_leaves_its_root_is_refused),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
