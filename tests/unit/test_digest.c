/* SHA-256 against the standard's own examples: FIPS 180-4, RFC 4231. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void known_texts_have_their_known_digests(void **state)
{
	struct digest digest;

	(void)state;
	digest_bytes("abc", 3, &digest);
	assert_string_equal(digest.hex, ABC);
	digest_bytes("", 0, &digest);
	assert_string_equal(digest.hex, EMPTY);
}

static void pieces_have_the_digest_of_the_whole(void **state)
{
	struct digest_state sum;
	struct digest digest;

	(void)state;
	digest_begin(&sum);
	digest_add(&sum, "a", 1);
	digest_add(&sum, "", 0);
	digest_add(&sum, "bc", 2);
	digest_end(&sum, &digest);
	assert_string_equal(digest.hex, ABC);
}

static void a_keyed_digest_is_hmac(void **state)
{
	struct digest digest;

	(void)state;
	digest_keyed("Jefe", 4, "what do ya want for nothing?", 28, &digest);
	assert_string_equal(
		digest.hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_file_is_read_from_where_it_stands(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct digest digest;
	struct error err;
	uint64_t size;

	(void)state;
	assert_int_equal(write(fd, "xxabc", 5), 5);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(digest_file(fd, &digest, &size, &err), 0);
	assert_string_equal(digest.hex, ABC);
	assert_int_equal(size, 3);
	assert_int_equal(digest_file(fd, &digest, NULL, &err), 0);
	assert_string_equal(digest.hex, EMPTY);
	(void)close(fd);
	assert_int_equal(digest_file(-1, &digest, NULL, &err), -1);
	assert_string_equal(err.text, "read: Bad file descriptor");
}

static void a_digest_is_read_exactly(void **state)
{
	static const char *const bad[] = { "", "sha256:", "sha512:" ABC, "sha256:" ABC "0",
		"sha256:ba7816", " " ABC, "SHA256:" ABC,
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"sha256:sha256:" ABC };
	struct digest digest, other;
	struct error err;

	(void)state;
	assert_int_equal(digest_parse("sha256:" ABC, &digest, &err), 0);
	assert_int_equal(digest_parse(ABC, &other, &err), 0);
	assert_true(digest_equal(&digest, &other));
	digest_bytes("", 0, &other);
	assert_false(digest_equal(&digest, &other));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(digest_parse(bad[i], &digest, &err), -1);
		assert_string_equal(digest.hex, ABC);
		assert_int_equal(err.kind, ERROR_INTEGRITY);
	}
	digest_parse("sha256:ba7816", &digest, &err);
	assert_string_equal(err.text, "\"sha256:ba7816\" is not a SHA-256 digest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_their_known_digests),
		cmocka_unit_test(pieces_have_the_digest_of_the_whole),
		cmocka_unit_test(a_keyed_digest_is_hmac),
		cmocka_unit_test(a_file_is_read_from_where_it_stands),
		cmocka_unit_test(a_digest_is_read_exactly),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
