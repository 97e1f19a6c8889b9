/* The release's ports and who of the instances takes their connections. */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "instance.h"
#include "network/network.h"

#include <stdbool.h>

/* The run's network, with every port of the release reserved, not started yet. own: an ordinary
 * user's. */
int publish_open(const struct site_config *config, bool own, network_on_notice *notice,
	void *context, struct network **ret, struct error *err);

/* Sets for every port which instances of the list are published. Says once in the log where each
 * is: announced has a flag for every port. */
int publish_all(const struct instance_host *host, const struct instance *instances, bool *announced,
	struct error *err);

#endif
