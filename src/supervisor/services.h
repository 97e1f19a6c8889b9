/* A release's attached services as gates. */
#ifndef SERVICES_H
#define SERVICES_H

#include "base/buf.h"
#include "instance.h"
#include "model/release.h"
#include "network/gates.h"

/* What a run has outside, and the files that go with it, which are empty where the image's own
 * are good. Zeroed is nothing. */
struct services {
	struct gates *gates; /* NULL: nothing is attached, and egress is not open */
	struct buf hosts, resolv_conf;
};

/* Starts the gates of what is attached, and of egress "open", while this process is still on the
 * host. *ret is zeroed; services_done in any case. */
int services_open(const struct site_config *site, struct services *ret, struct error *err);
struct site_etc services_etc(const struct services *services);

/* Frees the files, not the gates. */
void services_done(struct services *services);

/* Waits for the services as long as the run's config says, or until interrupt is readable; without
 * a wait, those that do not answer are told in the log. What the gates report from then on is told
 * there, too, and their end is a failure of the run. */
int services_watch(struct instance_host *host, int interrupt, struct error *err);

#endif
