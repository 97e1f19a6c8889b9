/* Private to src/model: the mounts of an OCI config.json. */
#ifndef MODEL_OCIMOUNT_H
#define MODEL_OCIMOUNT_H

#include "base/json.h"
#include "model/spec.h"

/* Appends one element of $.mounts to the spec. */
int ocimount_parse(const struct json_at *at, struct spec *spec, struct error *err);

#endif
