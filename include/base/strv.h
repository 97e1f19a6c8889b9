/* A vector of strings that it owns. Zeroed is empty; once something was added items is
 * NULL-terminated, as execve(2) wants it. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **items;
	size_t len;
};

/* Appends a copy of text. */
void strv_add(struct strv *strv, const char *text);

/* Appends formatted text. */
void strv_addf(struct strv *strv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends copies of all items of from. */
void strv_add_all(struct strv *strv, const struct strv *from);

/* Whether text is one of the items. */
bool strv_has(const struct strv *strv, const char *text);

/* For items of the form KEY=VALUE: the value of key, or NULL. Borrowed. */
const char *strv_env_get(const struct strv *strv, const char *key);

/* For items of the form KEY=VALUE: replaces key's item where it stands, else appends one. */
void strv_env_set(struct strv *strv, const char *key, const char *value);

/* Sorts the items by byte value. */
void strv_sort(struct strv *strv);

/* Frees items and vector; it is empty and usable again. */
void strv_done(struct strv *strv);

#define CLEANUP_STRV __attribute__((cleanup(strv_done)))

#endif
