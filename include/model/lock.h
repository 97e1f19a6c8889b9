/* isorun.lock: which Debian packages a build is made of, exactly. Written by the build, committed
 * with the codebase, one package a line so that a diff can be read. */
#ifndef MODEL_LOCK_H
#define MODEL_LOCK_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

enum { LOCK_PACKAGES_MAX = 10000 };

struct lock_package {
	char *name;
	char *version;
	char *architecture;   /* "amd64", "all" */
	char *filename;       /* below the mirror's root: "pool/main/…/x_1_amd64.deb" */
	struct digest sha256; /* of the .deb */
	uint64_t size;        /* of the .deb, bytes */
};

/* The packages of one root, in the order of name and architecture. */
struct lock_set {
	char *suite;           /* NULL: there is no such root */
	struct strv requested; /* what was asked for, without what that depends on; may be empty */
	struct lock_package *packages;
	size_t count;
};

struct lock {
	char *date;     /* of the resolution: "2026-11-20T12:00:00Z" */
	char *snapshot; /* URL of a dated mirror, or NULL */
	struct lock_set dependencies;
	struct lock_set build; /* of the root that the build command runs on */
};

/* Reads isorun.lock's text; text[len] must be a NUL. Everything is checked: names, versions and
 * file names go to apt and into paths. ERROR_CONFIG; another format's version says so. */
int lock_parse(const char *file, const char *text, size_t len, struct lock *ret, struct error *err);

/* Canonical text, packages sorted: lock_parse of it gives an equal lock, and printing that the same
 * text. */
void lock_print(const struct lock *lock, struct buf *ret);

/* Appends a zeroed package for the caller to fill. */
struct lock_package *lock_add_package(struct lock_set *set);

void lock_done(struct lock *lock);

#endif
