/* update-alternatives(1), from what the maintainer scripts would have told it. */
#ifndef IMAGE_ALTERNATIVE_H
#define IMAGE_ALTERNATIVE_H

#include "base/error.h"
#include "root.h"

#include <stddef.h>

struct alternative {
	char *link; /* "/usr/bin/awk" */
	char *name; /* "awk", in /etc/alternatives */
	char *path; /* "/usr/bin/mawk" */
	long priority;
};

struct alternatives {
	struct alternative *items;
	size_t count;
};

/* Takes every literal "update-alternatives --install" of a script, slaves included. */
void alternatives_read(struct alternatives *alternatives, const char *script);

/* For each name makes the two links to the candidate of highest priority that is in the root. */
int alternatives_make(
	const struct alternatives *alternatives, const struct root *root, struct error *err);

void alternatives_done(struct alternatives *alternatives);

#endif
