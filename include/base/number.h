/* Numbers, sizes and times as people write them, read strictly: no sign, no spaces, no overflow,
 * nothing left over. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/error.h"

#include <stdint.h>

/* [0-9]{1,20}, at most max. The error names the text and the bound. */
int number_parse(const char *text, uint64_t max, uint64_t *ret, struct error *err);

/* Bytes: a number with an optional K, M, G or T (powers of 1024; "256M"). Not zero. */
int number_parse_size(const char *text, uint64_t *ret, struct error *err);

/* Milliseconds: "500ms", "10s", "5m", "1h"; a bare number is seconds. At most a day. */
int number_parse_duration(const char *text, uint64_t *ret, struct error *err);

#endif
