/* isorun.lock: printed for readable diffs, read strictly. */
#include "model/lock.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PACKAGE                                                                       \
	"{\"architecture\":\"amd64\",\"filename\":\"pool/main/r/redis/redis_5.deb\"," \
	"\"name\":\"redis\",\"sha256\":\"" HEX "\",\"size\":7,\"version\":\"5:7.0.15-1~deb12u1\"}"
#define HEAD "{ \"version\": 1,\n\"date\": \"2026-11-20T12:00:00Z\""

static void add(struct lock_set *set, const char *name, const char *architecture)
{
	struct lock_package *package = lock_add_package(set);

	package->name = memory_copy_str(name);
	package->version = memory_copy_str("5:7.0.15-1~deb12u1");
	package->architecture = memory_copy_str(architecture);
	package->filename = memory_format("pool/main/r/redis/%s_5.deb", name);
	memcpy(package->sha256.hex, HEX, DIGEST_HEX);
	package->size = 7;
}

static void a_lock_is_one_package_a_line_and_sorted(void **state)
{
	static const char expected[] =
		HEAD ",\n\"snapshot\": \"https://example.org/20261120T000000Z/\","
		     "\n\"dependencies\": { \"suite\": \"bookworm\", \"packages\": [\n"
		     "{\"architecture\":\"all\",\"filename\":\"pool/main/r/redis/adduser_5.deb\","
		     "\"name\":\"adduser\",\"sha256\":\"" HEX
		     "\",\"size\":7,\"version\":\"5:7.0.15-1~deb12u1\"},\n" PACKAGE "\n] } }\n";
	struct lock lock = { .date = memory_copy_str("2026-11-20T12:00:00Z"),
		.snapshot = memory_copy_str("https://example.org/20261120T000000Z/") };
	struct lock again;
	struct buf first = { 0 }, second = { 0 };
	struct error err = { 0 };

	(void)state;
	lock.dependencies.suite = memory_copy_str("bookworm");
	add(&lock.dependencies, "redis", "amd64");
	add(&lock.dependencies, "adduser", "all");

	lock_print(&lock, &first);
	if (lock_parse("isorun.lock", first.data, first.len, &again, &err) < 0)
		fail_msg("%s", err.text);
	lock_print(&again, &second);

	assert_string_equal(first.data, expected);
	assert_string_equal(second.data, expected);
	assert_int_equal(again.dependencies.count, 2);
	assert_null(again.build.suite);
	buf_done(&first);
	buf_done(&second);
	lock_done(&lock);
	lock_done(&again);
}

static void packages_are_sorted_when_read_too(void **state)
{
	static const char text[] =
		HEAD ",\"build\":{\"suite\":\"sid\",\"packages\":[" PACKAGE ","
		     "{\"architecture\":\"all\",\"filename\":\"a.deb\",\"name\":\"adduser\","
		     "\"sha256\":\"" HEX "\",\"size\":7,\"version\":\"1\"}]}}";
	struct lock lock;
	struct error err = { 0 };

	(void)state;
	if (lock_parse("isorun.lock", text, sizeof text - 1, &lock, &err) < 0)
		fail_msg("%s", err.text);

	assert_string_equal(lock.build.packages[0].name, "adduser");
	assert_string_equal(lock.build.packages[1].name, "redis");
	lock_done(&lock);
}

/* HEAD and one package that differs from the good one. */
static void assert_refused(const char *text, const char *error)
{
	struct lock lock;
	struct error err = { 0 };

	assert_int_equal(lock_parse("isorun.lock", text, strlen(text), &lock, &err), -1);
	assert_string_equal(err.text, error);
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void what_apt_should_never_see_is_refused(void **state)
{
	static const struct {
		const char *old, *new, *error;
	} rows[] = {
		{ "\"redis\",\"sha", "\"-oX\",\"sha",
			"isorun.lock:4: $.build.packages[0].name: \"-oX\" is not a Debian package "
			"name (lower-case letters, digits, +, - and ., at most 128)" },
		{ "5:7.0", "-5 7.0",
			"isorun.lock:4: $.build.packages[0].version: \"-5 7.0.15-1~deb12u1\" is "
			"not a Debian version" },
		{ "pool/main", "../main",
			"isorun.lock:4: $.build.packages[0].filename: is not a path below a "
			"mirror" },
		{ "pool/main", "/pool/m",
			"isorun.lock:4: $.build.packages[0].filename: is not a path below a "
			"mirror" },
		{ "amd64", "am d6",
			"isorun.lock:4: $.build.packages[0].architecture: \"am d6\" is not an "
			"architecture" },
		{ "0123", "01Z3",
			"isorun.lock:4: $.build.packages[0].sha256: is not 64 lower-case "
			"hexadecimal digits" },
		{ "\"size\":7", "\"size\":0",
			"isorun.lock:4: $.build.packages[0].size: must be from 1 to "
			"9223372036854775807" },
		{ "\"size\"", "\"sice\"", "isorun.lock:4: $.build.packages[0].sice: unknown key" },
	};
	static const char good[] =
		HEAD ",\n\"build\": { \"suite\": \"bookworm\", \"packages\": [\n" PACKAGE "] } }";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(good, rows[i].old);
		char *text = memory_format(
			"%.*s%s%s", (int)(at - good), good, rows[i].new, at + strlen(rows[i].old));

		assert_refused(text, rows[i].error);
		free(text);
	}
}

static void another_format_a_wrong_date_and_duplicates_are_refused(void **state)
{
	(void)state;
	assert_refused("{\"version\": 2, \"anything\": []}",
		"isorun.lock:1: $.version: is 2, this isorun reads 1");
	assert_refused("{\"version\": 1, \"date\": \"2026-11-20\"}",
		"isorun.lock:1: $.date: is not a date as in 2026-11-20T12:00:00Z");
	assert_refused("{\"version\": 1}", "isorun.lock:1: $: has no \"date\"");
	assert_refused(HEAD ",\"snapshot\": \"file:///x\"}",
		"isorun.lock:2: $.snapshot: is not an http or https URL");
	assert_refused(HEAD ",\"build\":{\"suite\":\"sid\",\"packages\":[" PACKAGE "," PACKAGE
			    "]}}",
		"isorun.lock:2: $.build.packages: has redis:amd64 twice");
}

static void every_cut_of_a_lock_is_refused(void **state)
{
	static const char good[] =
		HEAD ",\"build\": { \"suite\": \"sid\", \"packages\": [" PACKAGE "] } }";

	(void)state;
	for (size_t len = 0; len + 1 < sizeof good; len++) {
		char *cut = calloc(len + 1, 1);
		struct lock lock;
		struct error err = { 0 };

		memcpy(cut, good, len);
		assert_int_equal(lock_parse("isorun.lock", cut, len, &lock, &err), -1);
		free(cut);
	}
}

static void what_was_requested_is_kept(void **state)
{
	struct lock lock = { .date = memory_copy_str("2026-11-20T12:00:00Z") };
	struct lock again;
	struct buf text = { 0 };
	struct error err = { 0 };

	(void)state;
	lock.dependencies.suite = memory_copy_str("bookworm");
	strv_add(&lock.dependencies.requested, "redis");
	strv_add(&lock.dependencies.requested, "adduser");
	add(&lock.dependencies, "redis", "amd64");

	lock_print(&lock, &text);
	if (lock_parse("isorun.lock", text.data, text.len, &again, &err) < 0)
		fail_msg("%s", err.text);

	assert_string_equal(text.data, HEAD
		",\n\"dependencies\": { \"suite\": \"bookworm\", "
		"\"requested\": [\"adduser\", \"redis\"], \"packages\": [\n" PACKAGE "\n] } }\n");
	assert_int_equal(again.dependencies.requested.len, 2);
	assert_string_equal(again.dependencies.requested.items[0], "adduser");
	lock_done(&lock);
	lock_done(&again);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_requested_is_kept),
		cmocka_unit_test(a_lock_is_one_package_a_line_and_sorted),
		cmocka_unit_test(packages_are_sorted_when_read_too),
		cmocka_unit_test(what_apt_should_never_see_is_refused),
		cmocka_unit_test(another_format_a_wrong_date_and_duplicates_are_refused),
		cmocka_unit_test(every_cut_of_a_lock_is_refused),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
