/* Where a release's processes run: its layers, host ids and filters brought together into one
 * container site. The same for a formation and for a one-off. */
#ifndef SUPERVISOR_SITE_H
#define SUPERVISOR_SITE_H

#include "base/error.h"
#include "container/container.h"
#include "model/release.h"
#include "store/store.h"

struct site_config {
	const struct store *store;
	const char *runtime_dir; /* ISORUN_RUNTIME_DIR */
	const char *network;     /* ISORUN_NETWORK, or NULL */
	const struct release *release;
	const char *version;    /* "v7-3f9a1c20be44" */
	uint64_t wait_services; /* milliseconds to wait for attached services; 0: do not */
};

struct site {
	struct container_site container;
	int filters;
};

/* Files of /etc that the run's processes see instead of the image's; NULL: the image's own. */
struct site_etc {
	const char *hosts, *resolv_conf;
};

/* Unpacks what is not unpacked yet and opens the site's place on the host. kind is part of the
 * cgroup's name. */
int site_open(
	const struct site_config *config, const char *kind, struct site *ret, struct error *err);

/* Leaves the host (container_site_enter) and prepares the root. */
int site_enter(struct site *site, const struct site_config *config, const struct site_etc *etc,
	struct error *err);
void site_done(struct site *site);

/* Holds the one lock of a running formation of this deploy: returns its descriptor. ERROR_LOCKED
 * names the process that has it. It is the kernel's: it goes with the process. */
int site_lock(const struct site_config *config, struct error *err);

#endif
