/* What all instances of a run have in common, from beginning to end. */
#ifndef INSTANCE_HOST_H
#define INSTANCE_HOST_H

#include "instance.h"
#include "supervisor/supervisor.h"

#define INSTANCE_HOST_NONE       \
	((struct instance_host){ \
		.null = -1, .site = { .container = CONTAINER_SITE_NONE, .filters = -1 } })

/* Opens it and leaves the host's namespaces. loop and the callbacks must be set; waiting for
 * services ends early when interrupt is readable. instance_host_close in any case, before the loop
 * goes. */
int instance_host_open(struct instance_host *host, const struct supervisor_config *config,
	int interrupt, struct error *err);
void instance_host_close(struct instance_host *host);

#endif
