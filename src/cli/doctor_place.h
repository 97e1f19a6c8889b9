/* Private to cli: where doctor may try things, and the directories that a run needs. */
#ifndef CLI_DOCTOR_PLACE_H
#define CLI_DOCTOR_PLACE_H

#include "kernel/feature.h"

#include <stdbool.h>

/* A directory on the file system of the store, with what the trials of mounts need in it. dir -1:
 * none could be made. */
struct doctor_place {
	int dir;
	char *path;
	char *parts[3];
	struct feature_place feature;
};

/* The store itself is not made: the place lies in it, or where it would come to be. */
void doctor_place_make(const char *store, struct doctor_place *ret);
void doctor_place_remove(struct doctor_place *place);

trial_act doctor_place_try_store;   /* context: ISORUN_ROOT. Can it be written to, and how much is
				       free? */
trial_act doctor_place_try_runtime; /* context: ISORUN_RUNTIME_DIR */

#endif
