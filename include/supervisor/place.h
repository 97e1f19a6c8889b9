/* Where a release's processes run: its layers, host ids and filters brought together into one
 * container site. The same for a formation and for a one-off. */
#ifndef SUPERVISOR_PLACE_H
#define SUPERVISOR_PLACE_H

#include "base/error.h"
#include "container/container.h"
#include "model/release.h"
#include "store/store.h"

struct place_config {
	const struct store *store;
	const char *runtime_dir; /* ISORUN_RUNTIME_DIR */
	const char *network;     /* ISORUN_NETWORK, or NULL */
	const struct release *release;
	const char *version; /* "v7-3f9a1c20be44" */
};

struct place {
	struct container_site site;
	uint32_t id_base;
	int filters;
};

/* Unpacks what is not unpacked yet and opens the site. kind is part of the cgroup's name. */
int place_open(
	const struct place_config *config, const char *kind, struct place *ret, struct error *err);
void place_done(struct place *place);

/* Holds the one lock of a running formation of this deploy: returns its descriptor. ERROR_LOCKED
 * names the process that has it. It is the kernel's: it goes with the process. */
int place_lock(const struct place_config *config, struct error *err);

#endif
