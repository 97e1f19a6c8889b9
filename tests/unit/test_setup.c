/* Small readers of build: scripts of packages, search paths, the linker's cache, remotes. */
#include "../../src/image/alternative.h"
#include "../../src/image/git.h"
#include "../../src/image/ldcache.h"
#include "../../src/image/libpath.h"
#include "../../src/image/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_words(const char *script, const char *name, const char *wanted)
{
	struct strv words = { 0 };
	char joined[256] = "";

	while (script_next(&script, name, &words)) {
		for (size_t i = 0; i < words.len; i++) {
			strcat(joined, words.items[i]);
			strcat(joined, i + 1 < words.len ? "," : ";");
		}
		strv_done(&words);
	}
	assert_string_equal(joined, wanted);
}

static void commands_are_found_in_a_script(void **state)
{
	(void)state;
	expect_words("#!/bin/sh\nset -e\nif true; then\n  tool a 'b c' \"d\"\nfi\n", "tool",
		"tool,a,b c,d;");
	expect_words(
		"/usr/bin/tool a \\\n\tb || true; tool c\n", "tool", "/usr/bin/tool,a,b;tool,c;");
	expect_words("# tool a\ntoolbox b\necho x # tool c\n", "tool", "");
	expect_words("tool 'unended", "tool", "tool,unended;");
	expect_words("", "tool", "");
}

static void literal_alternatives_are_taken_with_their_slaves(void **state)
{
	struct alternatives alternatives = { 0 };

	(void)state;
	alternatives_read(&alternatives,
		"if [ \"$1\" = configure ]; then\n"
		"  update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n"
		"    --slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/mawk.1.gz\n"
		"  update-alternatives --install /usr/bin/$x y /usr/bin/z 1\n"
		"  update-alternatives --remove awk /usr/bin/mawk\n"
		"fi\n");

	assert_int_equal(alternatives.count, 2);
	assert_string_equal(alternatives.items[0].link, "/usr/bin/awk");
	assert_string_equal(alternatives.items[0].path, "/usr/bin/mawk");
	assert_int_equal(alternatives.items[0].priority, 5);
	assert_string_equal(alternatives.items[1].name, "awk.1.gz");
	alternatives_done(&alternatives);
}

static void names_in_the_linkers_cache_compare_by_their_numbers(void **state)
{
	(void)state;
	assert_true(ldcache_compare("libc.so.6", "libc.so.6") == 0);
	assert_true(ldcache_compare("liba.so.10", "liba.so.9") > 0);
	assert_true(ldcache_compare("liba.so.1", "liba.so.1.2") < 0);
	assert_true(ldcache_compare("lib1.so", "liba.so") > 0);
	assert_true(ldcache_compare("liba.so", "libb.so") < 0);
}

static void expect_dirs(const char *text, const char *wanted)
{
	struct strv dirs = { 0 };
	char joined[256] = "";

	libpath_add_expanded(text, "/opt/x/bin", &dirs);
	for (size_t i = 0; i < dirs.len; i++) {
		strcat(joined, dirs.items[i]);
		strcat(joined, ";");
	}
	strv_done(&dirs);
	assert_string_equal(joined, wanted);
}

static void tokens_of_a_runpath_are_expanded(void **state)
{
	(void)state;
	expect_dirs("$ORIGIN/../lib:/usr/lib/x", "/opt/x/bin/../lib;/usr/lib/x;");
	expect_dirs("${ORIGIN}:${ORIGIN", "/opt/x/bin;${ORIGIN;");
	expect_dirs("/usr/$LIB/x", "/usr/lib/" LIBPATH_TRIPLET "/x;");
	expect_dirs(":", "");
	expect_dirs("$", "$;");
}

static void expect_remote(const char *url, const char *wanted)
{
	struct buf text = { 0 };

	buf_add_str(&text, "");
	git_print_remote(url, &text);
	assert_string_equal(text.data, wanted);
	buf_done(&text);
}

static void a_remote_is_recorded_without_secrets_and_local_paths(void **state)
{
	(void)state;
	expect_remote("https://example.org/a.git", "https://example.org/a.git");
	expect_remote("https://user:p@ss@example.org/a@b", "https://example.org/a@b");
	expect_remote("ssh://git@example.org:22/a", "ssh://example.org:22/a");
	expect_remote("git@example.org:a/b.git", "git@example.org:a/b.git");
	expect_remote("/srv/git/a", "");
	expect_remote("../a:b", "");
	expect_remote("file:///srv/git/a", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_found_in_a_script),
		cmocka_unit_test(literal_alternatives_are_taken_with_their_slaves),
		cmocka_unit_test(names_in_the_linkers_cache_compare_by_their_numbers),
		cmocka_unit_test(tokens_of_a_runpath_are_expanded),
		cmocka_unit_test(a_remote_is_recorded_without_secrets_and_local_paths),
	};

	return cmocka_run_group_tests_name("setup", tests, NULL, NULL);
}
