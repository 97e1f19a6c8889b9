/* SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), the one door to nettle. A digest's text is 64
 * lower-case hexadecimal digits; "sha256:" stands before it only in OCI documents. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/error.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_HEX = 65, DIGEST_SHORT = 12 }; /* text with its NUL; digits that people are shown */

struct digest {
	char hex[DIGEST_HEX];
};

struct digest_state {
	struct sha256_ctx sha256;
};

void digest_begin(struct digest_state *state);
void digest_add(struct digest_state *state, const void *data, size_t len);
void digest_end(struct digest_state *state, struct digest *ret);

/* The digest of len bytes. */
void digest_bytes(const void *data, size_t len, struct digest *ret);

/* The keyed digest of len bytes. */
void digest_keyed(
	const void *key, size_t key_len, const void *data, size_t len, struct digest *ret);

/* Reads fd from its current offset to its end; *ret_size may be NULL. */
int digest_file(int fd, struct digest *ret, uint64_t *ret_size, struct error *err);

/* Reads "sha256:HEX" or bare HEX, exactly; anything else is an error. */
int digest_parse(const char *text, struct digest *ret, struct error *err);

bool digest_equal(const struct digest *a, const struct digest *b);

#endif
