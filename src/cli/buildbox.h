/* The sandbox of isorun build: one command, a writable /app, nothing else of the host. */
#ifndef CLI_BUILDBOX_H
#define CLI_BUILDBOX_H

#include "base/error.h"
#include "image/build.h"
#include "store/store.h"

struct buildbox {
	const struct store *store;
	const char *runtime_dir;
};

/* Fills in of options what every build from the command line has: its sandbox, warnings and
 * progress on standard error. box must outlive the build. */
void buildbox_serve(struct buildbox *box, struct build_options *options);

/* A build_on_command whose context is a struct buildbox. Signals are the command's meanwhile. */
int buildbox_run(void *context, const struct build_command *command, struct error *err);

#endif
