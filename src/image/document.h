/* The OCI image config of a build, and with it the image manifest. */
#ifndef IMAGE_DOCUMENT_H
#define IMAGE_DOCUMENT_H

#include "base/digest.h"
#include "base/error.h"
#include "model/manifest.h"
#include "source.h"
#include "store/store.h"

#include <stddef.h>

struct document {
	const struct manifest *manifest;
	const struct source *source;
	const struct digest *layers; /* plain tars in the store, bottom first */
	size_t layer_count;
};

/* Writes both documents into the store; *ret is the image manifest's digest, the build's id. */
int document_store(const struct store *store, const struct document *document, struct digest *ret,
	struct error *err);

/* The image config as canonical JSON text, appended to ret. */
void document_print_config(const struct document *document, struct buf *ret);

#endif
