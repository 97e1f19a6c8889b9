/* What the network refuses, told in the log stream of whoever was refused. */
#ifndef REFUSALS_H
#define REFUSALS_H

#include "instance.h"

struct refusals {
	const struct instance_host *host;
	struct instance *const *instances; /* the supervisor's list */
};

/* Watches; *refusals stays the caller's and in its place. */
int refusals_open(struct refusals *refusals, struct error *err);

/* Takes in what has come and was not read yet. */
void refusals_read(struct refusals *refusals);

void refusals_done(struct refusals *refusals);

#endif
