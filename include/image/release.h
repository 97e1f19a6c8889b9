/* Releases in the store: made of a build and a config, imported, read again. A release is an OCI
 * image, its id the digest of its manifest; releases/HEX.json beside it is what a run reads. */
#ifndef IMAGE_RELEASE_H
#define IMAGE_RELEASE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strv.h"
#include "model/config.h"
#include "model/manifest.h"
#include "model/release.h"
#include "store/store.h"

/* What an image holds, by its labels. */
enum image_kind { IMAGE_BUILD, IMAGE_RELEASE };

/* Brings a build or a release from an archive into the store (layout_import): read from fd, name is
 * for errors. Beyond digests, what its config says is checked before any of it appears. An image
 * made by others is ERROR_UNSUPPORTED. */
int release_import(const struct store *store, int fd, const char *name, enum image_kind *ret_kind,
	struct digest *ret, struct error *err);

/* What the image in the store is. */
int release_kind(const struct store *store, const struct digest *id, enum image_kind *ret,
	struct error *err);

/* Joins a build in the store with a config; the release is in the store then, and in *ret with its
 * id. The same input gives the same id on every host. */
int release_make(const struct store *store, const struct digest *build, const struct config *config,
	struct release *ret, struct error *err);

/* What the app of a build in the store declares. The caller calls manifest_done. */
int release_manifest(const struct store *store, const struct digest *build, struct manifest *ret,
	struct error *err);

/* Reads a release that is in the store. ERROR_NO_SUCH where it is not. */
int release_load(
	const struct store *store, const struct digest *id, struct release *ret, struct error *err);

/* Writes the release to a tar at path (0600, "-" is standard output): the same bytes everywhere. */
int release_write(const struct store *store, const struct release *release, const char *path,
	struct error *err);

/* Checks every digest of the release: its documents, its layers, what is unpacked of them, and that
 * releases/HEX.json is what the image says. ERROR_INTEGRITY names what differs. */
int release_verify(const struct store *store, const struct digest *id, struct error *err);

#endif
