/* Private to network: what the host's own namespace needs, which is rules in one owned table. */
#ifndef NETWORK_HOST_H
#define NETWORK_HOST_H

#include "reserve.h"
#include "router.h"

struct host {
	int namespace_fd;
	int route;      /* rtnetlink socket in it */
	int tables;     /* owns the table: closing it removes every rule, and takes 15 to 24 ms */
	char table[24]; /* "isorun-c6130004" */
};

#define HOST_NONE ((struct host){ .namespace_fd = -1, .route = -1, .tables = -1 })

/* Opens this process's network namespace as the host's. *ret must be HOST_NONE; host_done always.
 */
int host_open(struct host *ret, struct error *err);

/* Makes the table: nothing is published yet. */
int host_load_rules(struct host *host, const struct router *router, struct error *err);

/* Whether instances are ready to take connections of a port, and over what. */
enum host_open { HOST_CLOSED, HOST_OPEN_V4, HOST_OPEN };

/* Replaces what is published by the reserves of which open says so (indexed by port). */
int host_publish(struct host *host, const struct router *router, const struct reserve *reserves,
	size_t reserve_count, const enum host_open *open, struct error *err);

/* Leads the port of what arrives by the probe's link to the router, until the next publish. */
int host_lead_probe(struct host *host, const struct router *router, const struct uplink *from,
	uint16_t port, struct error *err);

void host_done(struct host *host);

#endif
