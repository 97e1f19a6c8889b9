/* What the fuzz targets share. A target gives its parser any bytes; what the parser accepts must
 * survive being printed and read again, unchanged. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as text: in an allocation of exactly its size and the NUL that parsers ask for. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A property that does not hold is a finding. */
static inline void fuzz_require(int holds, const char *what, const struct error *err)
{
	if (holds)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err ? err->text : "");
	abort();
}

static inline void fuzz_require_same(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0)
		(void)fprintf(stderr, "%s\n%s\n", a->data, b->data);
	fuzz_require(a->len == b->len && memcmp(a->data, b->data, a->len) == 0,
		"printed again it differs", NULL);
}

/* Canonical text of a value, which is freed. */
static inline void fuzz_print(json_t *value, struct buf *ret)
{
	json_print(value, false, ret);
	json_decref(value);
}

#endif
