/* The OCI image config of a build, and with it the image manifest. */
#ifndef IMAGE_BUILD_CONFIG_H
#define IMAGE_BUILD_CONFIG_H

#include "base/digest.h"
#include "base/error.h"
#include "model/manifest.h"
#include "source.h"
#include "store/store.h"

#include <stddef.h>

struct build_config {
	const struct manifest *manifest;
	const struct source *source;
	const struct digest *layers; /* plain tars in the store, bottom first */
	size_t layer_count;
};

/* Writes both documents into the store; *ret is the image manifest's digest, the build's id. */
int build_config_store(const struct store *store, const struct build_config *document,
	struct digest *ret, struct error *err);

#endif
