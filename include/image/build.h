/* A codebase becomes a build: an OCI image in the store, of two layers (dependencies, and the app
 * under /app), reproducible from the commit and the lock file alone. */
#ifndef IMAGE_BUILD_H
#define IMAGE_BUILD_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strv.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* The build command, to be run in a sandbox by who can: its root is made of layers (absolute
 * directories, bottom first, read-only) with the writable directory app at /app, whose owner may be
 * changed. What it prints goes to stderr. 0 only if it exited with 0. */
struct build_command {
	const struct strv *layers;
	const char *app; /* absolute */
	const struct strv *argv;
	int64_t date; /* for SOURCE_DATE_EPOCH */
	bool network;
};
typedef int build_on_command(void *context, const struct build_command *command, struct error *err);

/* A step that may take longer than a second begins; NULL: none is under way any more. */
typedef void build_on_progress(void *context, const char *step);

/* Something a person should know, one line without a newline. */
typedef void build_on_notice(void *context, const char *line);

struct build_options {
	const char *dir;      /* the codebase */
	bool allow_dirty;     /* build what is not as committed, branded "+dirty" */
	bool update;          /* resolve packages anew and renew isorun.lock */
	const char *manifest; /* the text to take for isorun.json; NULL: the codebase's file */
	const char *procfile; /* the text to take for Procfile; NULL: the codebase's file */
	build_on_progress *progress;
	build_on_notice *notice;
	build_on_command *command;
	void *context;
};

struct build {
	struct digest id; /* of the image manifest */
	int64_t date;     /* the commit's, in seconds since 1970; 0: unknown */
	char *ref;        /* "hello:0123456789ab", for tools that want a name and a tag */
};

/* Makes the build and proves its closure. Nothing of it is visible before all of it is in the
 * store; isorun.lock is written into the codebase where packages were resolved. */
int build_codebase(const struct store *store, const struct build_options *options,
	struct build *ret, struct error *err);

void build_done(struct build *build);

#endif
