/* A release's attached services as gates. */
#ifndef SERVICES_H
#define SERVICES_H

#include "base/buf.h"
#include "instance.h"
#include "model/release.h"
#include "network/gates.h"

/* Starts the gates of what is attached, while this process is still on the host, and appends the
 * /etc/hosts that goes with them. Nothing attached: *ret is NULL, hosts as it was. */
int services_open(
	const struct release *release, struct gates **ret, struct buf *hosts, struct error *err);

/* Waits for the services as long as the run's config says, or until interrupt is readable; without
 * a wait, those that do not answer are told in the log. What the gates report from then on is told
 * there, too, and their end is a failure of the run. */
int services_watch(struct instance_host *host, int interrupt, struct error *err);

#endif
