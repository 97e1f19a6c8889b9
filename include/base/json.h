/* JSON documents, the one door to jansson. Reading keeps track of where a value stood, so that an
 * error can say file, line and JSON path. Writing is canonical, sorted keys and no spaces, but for
 * what people go on editing. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A value within a document under validation. Passed by value; borrows everything. */
struct json_at {
	json_t *value; /* never NULL in a json_at that a function returned with success */
	const struct json_at *parent; /* NULL at the top */
	const char *key;              /* the member's name, or NULL in an array */
	size_t index;                 /* the element's index in an array */
	const char *file;             /* for errors */
	const char *text;             /* the document, to find lines in; may be NULL */
};

static inline void json_cleanup(json_t **value)
{
	json_decref(*value);
}
#define CLEANUP_JSON __attribute__((cleanup(json_cleanup)))

/* Parses len bytes; duplicate keys, NULs, nesting over 64 and trailing text are errors with file,
 * line and column, of kind ERROR_CONFIG. The caller owns *ret. */
int json_parse(const char *file, const char *text, size_t len, json_t **ret, struct error *err);

/* An error at a value: "FILE:LINE: PATH: fmt", kind ERROR_CONFIG. PATH is like $.processes.web. */
int json_error(const struct json_at *at, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Checks that an object's keys are all among the NULL-terminated list; names the one that is not
 * and the nearest that would be right. Also fails where the value is not an object. */
int json_keys(const struct json_at *at, const char *const *keys, struct error *err);

/* The member of an object: 1 and *ret, 0 where it is absent. The object must have been checked. */
int json_member(const struct json_at *object, const char *key, struct json_at *ret);

/* The element of an array, 1, or 0 behind its end. */
int json_element(const struct json_at *array, size_t index, struct json_at *ret);

/* Typed reads of a value; a wrong type is an error at it. Strings are borrowed and hold no NUL. */
int json_get_str(const struct json_at *at, const char **ret, struct error *err);
int json_get_bool(const struct json_at *at, bool *ret, struct error *err);
int json_get_int(
	const struct json_at *at, int64_t min, int64_t max, int64_t *ret, struct error *err);
int json_get_strv(const struct json_at *at, struct strv *ret, struct error *err);

/* Whether the value is an object, array; else an error at it. */
int json_is(const struct json_at *at, json_type type, struct error *err);

/* Canonical text: keys sorted, compact, UTF-8, a final newline only if asked. */
void json_print(const json_t *value, bool newline, struct buf *ret);

/* Text for people: indented by two, members in the order in which they were set, a final newline.
 */
void json_print_pretty(const json_t *value, struct buf *ret);

#endif
