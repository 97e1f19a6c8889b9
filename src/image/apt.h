/* The host's apt, working in a private directory: its configuration, mirrors, proxies and keys are
 * the host's, its lists, its idea of what is installed and its downloads are not. Nothing is ever
 * installed. */
#ifndef IMAGE_APT_H
#define IMAGE_APT_H

#include "base/error.h"
#include "base/strv.h"
#include "model/lock.h"

#include <stdbool.h>

struct apt {
	int dir;           /* the private directory */
	char *path;        /* where it is */
	const char *seen;  /* where apt sees it */
	bool bound;        /* those two differ */
	struct strv bases; /* the mirrors that have the suite, ending in '/' */
};

/* Makes the private directory path (its parent is work) with the sources of the suite. */
int apt_open(int work, const char *path, const char *suite, struct apt *ret, struct error *err);
void apt_done(struct apt *apt);

/* Fetches and verifies the suite's lists and resolves packages with all they depend on, no
 * recommendations, into ret, which is appended to. */
int apt_resolve(
	struct apt *apt, const struct strv *packages, struct lock_set *ret, struct error *err);

/* Downloads one package below base to NAME "HEX.deb" in the private directory, for each package of
 * set whose index is set in wanted. Which of them arrived is for the caller to look; -1 with the
 * last complaint if not all did. */
int apt_download(struct apt *apt, const char *base, const struct lock_set *set, const bool *wanted,
	struct error *err);

#endif
