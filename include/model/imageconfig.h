/* An OCI image config (image-spec, config.md): what an image says about running it. Index and
 * manifest are read and written in image/documents; this is the document with the labels. */
#ifndef MODEL_IMAGECONFIG_H
#define MODEL_IMAGECONFIG_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

#define IMAGECONFIG_MANIFEST "dev.isorun.manifest" /* label: isorun.json, resolved */
#define IMAGECONFIG_RELEASE  "dev.isorun.release"  /* label: model/release.h's text */

enum { IMAGECONFIG_LAYERS_MAX = 128 };

struct imageconfig {
	char *architecture; /* "amd64" */
	char *created;      /* RFC 3339, or NULL */
	struct strv env;    /* KEY=VALUE, in the image's order, each key once */
	struct strv entrypoint, cmd;
	char *cwd;                 /* absolute, or NULL: not said */
	char *user;                /* as written: "1000:1000", a name, or NULL: not said */
	int stop_signal;           /* 0: not said */
	struct strv exposed_ports; /* "5000/tcp", sorted */
	struct strv volumes;       /* sorted */
	struct strv labels;        /* pairs: key, value, key, value …, sorted by key */
	struct digest *diff_ids;   /* bottom first */
	size_t diff_id_count;
	json_t *history; /* kept as it is, or NULL */
};

/* Reads a config's text; text[len] must be a NUL. Members that the specification does not name are
 * ignored, as it asks; null is the same as absent. What is malformed is ERROR_INTEGRITY with file,
 * line and JSON path, an operating system other than Linux ERROR_UNSUPPORTED. */
int imageconfig_parse(
	const char *file, const char *text, size_t len, struct imageconfig *ret, struct error *err);

/* Canonical text: the same config has the same digest everywhere; reading it gives it back. */
void imageconfig_print(const struct imageconfig *config, struct buf *ret);

/* The value of a label, or NULL. Borrowed. */
const char *imageconfig_label(const struct imageconfig *config, const char *key);

/* Sets or replaces a label; value NULL removes it. */
void imageconfig_set_label(struct imageconfig *config, const char *key, const char *value);

void imageconfig_done(struct imageconfig *config);

#endif
