/* Private to src/model: members of an OCI config.json's objects. All but refuse are fine with an
 * absent member. */
#ifndef MODEL_OCIFIELD_H
#define MODEL_OCIFIELD_H

#include "base/json.h"
#include "model/spec.h"

typedef int ocifield_element(const struct json_at *at, struct spec *spec, struct error *err);

/* Calls parse for each element of the array key. */
int ocifield_each(const struct json_at *at, const char *key, ocifield_element *parse,
	struct spec *spec, struct error *err);

int ocifield_str(const struct json_at *at, const char *key, char **ret, struct error *err);
int ocifield_strv(const struct json_at *at, const char *key, struct strv *ret, struct error *err);
int ocifield_bool(const struct json_at *at, const char *key, bool *ret, struct error *err);

/* An id or a count: 0 to 2^32-2. */
int ocifield_u32(const struct json_at *at, const char *key, uint32_t *ret, struct error *err);

/* Fails, ERROR_UNSUPPORTED, where one of the NULL-terminated keys is there and says something:
 * ignoring it would give more than was asked for. */
int ocifield_refuse(const struct json_at *at, const char *const *keys, struct error *err);

#endif
