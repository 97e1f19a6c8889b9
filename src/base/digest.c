/* Digests: nettle's SHA-256 behind text results, because everything that is compared, stored and
 * shown is the text. */
#include "base/digest.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 18 };

static void print_hex(const uint8_t *bytes, struct digest *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
		ret->hex[2 * i] = digits[bytes[i] >> 4];
		ret->hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret->hex[DIGEST_HEX - 1] = '\0';
}

void digest_begin(struct digest_state *state)
{
	sha256_init(&state->sha256);
}

void digest_add(struct digest_state *state, const void *data, size_t len)
{
	sha256_update(&state->sha256, len, data);
}

void digest_end(struct digest_state *state, struct digest *ret)
{
	uint8_t bytes[SHA256_DIGEST_SIZE];

	sha256_digest(&state->sha256, sizeof bytes, bytes);
	print_hex(bytes, ret);
}

void digest_bytes(const void *data, size_t len, struct digest *ret)
{
	struct digest_state state;

	digest_begin(&state);
	digest_add(&state, data, len);
	digest_end(&state, ret);
}

void digest_keyed(const void *key, size_t key_len, const void *data, size_t len, struct digest *ret)
{
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx state;

	hmac_sha256_set_key(&state, key_len, key);
	hmac_sha256_update(&state, len, data);
	hmac_sha256_digest(&state, sizeof bytes, bytes);
	print_hex(bytes, ret);
}

int digest_file(int fd, struct digest *ret, uint64_t *ret_size, struct error *err)
{
	CLEANUP_FREE char *chunk = memory_new(CHUNK, 1);
	struct digest_state state;
	uint64_t size = 0;

	digest_begin(&state);
	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "read");
		if (got == 0)
			break;
		digest_add(&state, chunk, (size_t)got);
		size += (uint64_t)got;
	}
	digest_end(&state, ret);
	if (ret_size)
		*ret_size = size;
	return 0;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
	const char *hex = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;

	if (strspn(hex, "0123456789abcdef") != DIGEST_HEX - 1 || hex[DIGEST_HEX - 1])
		return error_set(err, ERROR_INTEGRITY, "\"%.80s\" is not a SHA-256 digest", text);
	memcpy(ret->hex, hex, DIGEST_HEX);
	return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return strcmp(a->hex, b->hex) == 0;
}
