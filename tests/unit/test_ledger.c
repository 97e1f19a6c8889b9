/* Ledgers: numbers, the chain, and what a crash or a stranger does to it. */
#include "ledger/ledger.h"

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

struct fixture {
	char path[40];
	int dir;
};

static int set_up(void **state)
{
	struct fixture *f = memory_new(1, sizeof *f);

	strcpy(f->path, "/dev/shm/isorun-ledger-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct error err;

	close(f->dir);
	(void)file_remove_tree(AT_FDCWD, f->path, &err); /* a test's leftovers */
	free(f);
	return 0;
}

/* Appends a release whose id is the digest of text; returns its number. */
static unsigned append(struct fixture *f, enum ledger_kind kind, const char *text)
{
	struct ledger_entry entry = { .kind = kind, .version = 1, .description = (char *)text };
	CLEANUP_STRV struct strv env = { 0 };
	struct error err = { 0 };

	digest_bytes(text, strlen(text), &entry.release);
	strv_add(&env, "SECRET=hunter2");
	if (ledger_append(f->dir, "app", "dev", &entry, kind == LEDGER_ADMIN ? NULL : &env,
		    kind == LEDGER_ADMIN, &err) < 0)
		fail_msg("%s", err.text);
	strv_done(&entry.keys);
	return entry.version;
}

static void read_text(struct fixture *f, struct buf *ret)
{
	struct error err;

	assert_int_equal(file_read_at(f->dir, "apps/app/dev/ledger", 1 << 20, ret, &err), 0);
}

static void write_text(struct fixture *f, const char *text, size_t len)
{
	CLEANUP_CLOSE int fd = openat(f->dir, "apps/app/dev/ledger", O_WRONLY | O_TRUNC);
	struct error err;

	assert_int_equal(file_write_all(fd, text, len, &err), 0);
}

static void assert_broken(struct fixture *f, const char *text)
{
	struct ledger ledger;
	struct error err = { 0 };

	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), -1);
	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, ERROR_INTEGRITY);
}

static void releases_are_numbered_in_order(void **state)
{
	struct fixture *f = *state;
	struct ledger ledger;
	struct error err;

	assert_int_equal(append(f, LEDGER_RELEASE, "one"), 1);
	assert_int_equal(append(f, LEDGER_ADMIN, "one"), 1);
	assert_int_equal(append(f, LEDGER_IMPORT, "two"), 2);
	assert_int_equal(append(f, LEDGER_ROLLBACK, "one"), 3);

	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), 0);
	assert_int_equal(ledger.count, 4);
	assert_int_equal(ledger.entries[1].kind, LEDGER_ADMIN);
	assert_int_equal(ledger_newest(&ledger)->version, 3);
	assert_string_equal(ledger.entries[2].description, "two");
	ledger_done(&ledger);
}

static void a_long_command_is_followed_by_others(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *command = memory_new(200001, 1);
	struct ledger ledger;
	struct error err;

	memset(command, 'x', 200000);
	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_ADMIN, command);
	append(f, LEDGER_ADMIN, "two");

	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), 0);
	assert_int_equal(ledger.count, 3);
	ledger_done(&ledger);
}

/* Else every run would pay for all the ones before it. */
static void looking_up_a_release_does_not_read_admin_entries(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct ledger_entry entry;
	struct digest id;
	struct error err;
	char *admin;

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_ADMIN, "one");
	read_text(f, &text);
	admin = strstr(text.data, "\"time\":");
	while (strstr(admin + 1, "\"time\":"))
		admin = strstr(admin + 1, "\"time\":");
	admin[7] ^= 1; /* an entry that is parsed does not pass */
	write_text(f, text.data, text.len);
	digest_bytes("one", 3, &id);

	assert_int_equal(ledger_lookup(f->dir, "app", "dev", &id, &entry, &err), 1);
	assert_int_equal(entry.version, 3);
	ledger_entry_done(&entry);
}

static void the_newest_release_again_keeps_its_number(void **state)
{
	struct fixture *f = *state;

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");

	assert_int_equal(append(f, LEDGER_RELEASE, "two"), 2);
	assert_int_equal(append(f, LEDGER_RELEASE, "one"), 3);
}

static void values_appear_only_as_keyed_digests(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct stat status;

	append(f, LEDGER_RELEASE, "one");

	read_text(f, &text);
	assert_null(strstr(text.data, "hunter2"));
	assert_non_null(strstr(text.data, "\"SECRET\":\""));
	assert_int_equal(fstatat(f->dir, "apps/app/dev/key", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, 32);
}

static void a_changed_line_is_named(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	append(f, LEDGER_RELEASE, "three");
	read_text(f, &text);
	memcpy(strstr(text.data, "\"two\""), "\"TWO\"", 5);
	write_text(f, text.data, text.len);

	assert_broken(f, "ledger of app/dev: line 2: changed after it was written");
}

static void a_dropped_line_is_noticed(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	char *second;

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	append(f, LEDGER_RELEASE, "three");
	read_text(f, &text);
	second = strchr(text.data, '\n') + 1;
	write_text(f, second, text.len - (size_t)(second - text.data));

	assert_broken(f, "ledger of app/dev: line 1: it does not follow the line before it");
}

static void a_ledger_cut_short_is_noticed(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	read_text(f, &text);
	write_text(f, text.data, (size_t)(strchr(text.data, '\n') + 1 - text.data));

	assert_broken(f, "ledger of app/dev: entries after line 1 are gone");
}

static void a_torn_last_line_is_cut_off_by_the_next_append(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = { 0 };
	struct ledger ledger;
	struct error err;

	append(f, LEDGER_RELEASE, "one");
	read_text(f, &text);
	buf_add_str(&text, "{\"digest\":\"torn");
	write_text(f, text.data, text.len);
	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), 0);
	assert_int_equal(ledger.count, 1);
	ledger_done(&ledger);

	assert_int_equal(append(f, LEDGER_ADMIN, "ls"), 1);
	assert_int_equal(append(f, LEDGER_RELEASE, "two"), 2);

	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), 0);
	assert_int_equal(ledger.count, 3);
	ledger_done(&ledger);
}

static void a_release_is_found_by_number_and_by_id(void **state)
{
	struct fixture *f = *state;
	const struct ledger_entry *found;
	struct ledger ledger;
	struct error err = { 0 };
	struct digest id;
	char name[64];

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	digest_bytes("one", 3, &id);
	assert_int_equal(ledger_read(f->dir, "app", "dev", &ledger, &err), 0);

	snprintf(name, sizeof name, "v1-%.12s", id.hex);
	assert_int_equal(ledger_find(&ledger, name, &found, &err), 0);
	assert_int_equal(found->version, 1);
	assert_int_equal(ledger_find(&ledger, name + 3, &found, &err), 0);
	assert_int_equal(found->version, 1);
	assert_int_equal(ledger_find(&ledger, "v2", &found, &err), 0);
	assert_int_equal(found->version, 2);
	name[0] = 'v', name[1] = '2';
	assert_int_equal(ledger_find(&ledger, name, &found, &err), -1);
	assert_int_equal(ledger_find(&ledger, "v9", &found, &err), -1);
	assert_string_equal(err.text, "no release v9: there are v1 to v2");
	assert_int_equal(err.kind, ERROR_NO_SUCH);
	ledger_done(&ledger);
}

static void the_newest_entry_of_an_id_is_looked_up(void **state)
{
	struct fixture *f = *state;
	struct ledger_entry entry;
	struct error err;
	struct digest id;

	append(f, LEDGER_RELEASE, "one");
	append(f, LEDGER_RELEASE, "two");
	append(f, LEDGER_ROLLBACK, "one");
	append(f, LEDGER_ADMIN, "one");
	digest_bytes("one", 3, &id);

	assert_int_equal(ledger_lookup(f->dir, "app", "dev", &id, &entry, &err), 1);

	assert_int_equal(entry.version, 3);
	assert_int_equal(entry.kind, LEDGER_ROLLBACK);
	ledger_entry_done(&entry);
	digest_bytes("six", 3, &id);
	assert_int_equal(ledger_lookup(f->dir, "app", "dev", &id, &entry, &err), 0);
}

static void a_name_that_is_a_path_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ledger ledger;
	struct error err = { 0 };

	assert_int_equal(ledger_read(f->dir, "app", "../../etc", &ledger, &err), -1);

	assert_string_equal(err.text,
		"\"../../etc\" is not a name for a deploy: letters, digits, - and _, at most 63");
	assert_int_equal(err.kind, ERROR_USAGE);
}

static void ledgers_are_listed(void **state)
{
	struct fixture *f = *state;
	CLEANUP_STRV struct strv names = { 0 };
	struct error err;

	append(f, LEDGER_RELEASE, "one");

	assert_int_equal(ledger_list(f->dir, &names, &err), 0);

	assert_int_equal(names.len, 1);
	assert_string_equal(names.items[0], "app/dev");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(releases_are_numbered_in_order),
		TEST(a_long_command_is_followed_by_others),
		TEST(looking_up_a_release_does_not_read_admin_entries),
		TEST(the_newest_release_again_keeps_its_number),
		TEST(values_appear_only_as_keyed_digests),
		TEST(a_changed_line_is_named),
		TEST(a_dropped_line_is_noticed),
		TEST(a_ledger_cut_short_is_noticed),
		TEST(a_torn_last_line_is_cut_off_by_the_next_append),
		TEST(a_release_is_found_by_number_and_by_id),
		TEST(the_newest_entry_of_an_id_is_looked_up),
		TEST(a_name_that_is_a_path_is_refused),
		TEST(ledgers_are_listed),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
