/* Private to src/model: $.process of an OCI config.json. */
#ifndef MODEL_OCIPROCESS_H
#define MODEL_OCIPROCESS_H

#include "base/json.h"
#include "model/spec.h"

/* Reads $.process, at, into the spec. */
int ociprocess_parse(const struct json_at *at, struct spec *spec, struct error *err);

#endif
