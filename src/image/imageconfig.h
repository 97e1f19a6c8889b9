/* The image config (image-spec, config.md) as far as builds and releases of isorun need it. */
#ifndef IMAGE_IMAGECONFIG_H
#define IMAGE_IMAGECONFIG_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/strv.h"
#include "image/layout.h"

struct imageconfig {
	json_t *value;        /* the whole document */
	struct strv env;      /* config.Env */
	const char *manifest; /* label dev.isorun.manifest, or NULL; borrowed from value, as are: */
	const char *release;  /* label dev.isorun.release, or NULL */
	const char *revision; /* label org.opencontainers.image.revision, or NULL */
	bool dirty;           /* the version label ends in "+dirty" */
	int64_t date;         /* created, in seconds since 1970 */
};

/* Reads a config whose layers are image's: its diff_ids must be their digests. ERROR_INTEGRITY. */
int imageconfig_parse(const struct buf *text, const struct layout_image *image,
	struct imageconfig *ret, struct error *err);

/* The config with another environment and the label dev.isorun.release, as canonical text. */
void imageconfig_print_release(const struct imageconfig *config, const struct strv *env,
	const char *release, struct buf *ret);

void imageconfig_done(struct imageconfig *config);
#define CLEANUP_IMAGECONFIG __attribute__((cleanup(imageconfig_done)))

#endif
