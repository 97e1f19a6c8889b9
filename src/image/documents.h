/* The two small documents of an image layout: index.json and a manifest. */
#ifndef IMAGE_DOCUMENTS_H
#define IMAGE_DOCUMENTS_H

#include "base/buf.h"
#include "image/layout.h"

/* index.json with the one image. */
void documents_print_index(
	const struct digest *manifest, uint64_t size, const char *ref, struct buf *ret);

/* The one image's manifest that an index.json names. ERROR_INTEGRITY, ERROR_UNSUPPORTED. */
int documents_parse_index(
	const struct buf *text, struct digest *ret, uint64_t *ret_size, struct error *err);

void documents_print_manifest(const struct layout_image *image, struct buf *ret);
int documents_parse_manifest(const struct buf *text, struct layout_image *ret, struct error *err);

/* Checks the text of oci-layout. */
int documents_check_version(const struct buf *text, struct error *err);

#endif
