/* A network as far as the probe, and no further: nothing is ever published in it. It is not taken
 * down, either: what it made ends with the process that tried. */
#include "network/forwards.h"

#include "host.h"
#include "network/address.h"
#include "probe.h"
#include "router.h"

#include <stdio.h>

static int build(
	struct host *host, struct router *router, struct uplink_plan *plan, struct error *err)
{
	if (host_open(host, err) < 0)
		return -1;
	plan->host = host->namespace_fd;
	plan->host_route = host->route;
	if (router_make(plan, router, err) < 0)
		return -1;
	return host_load_rules(host, router, err);
}

enum trial_result forwards_try(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	struct host host = HOST_NONE;
	struct router router = ROUTER_NONE;
	struct uplink_plan plan = { 0 };
	bool v4 = false, v6 = false;

	if (address_range_parse(context, &plan.range, err) < 0 ||
		build(&host, &router, &plan, err) < 0 ||
		probe_forwarding(&host, &router, &plan, &v4, &v6, err) < 0)
		return TRIAL_FAILED;
	(void)snprintf(found, TRIAL_TEXT, "%s%s%s", v4 ? "IPv4" : "", v4 && v6 ? ", " : "",
		v6 ? "IPv6" : ""); /* fits */
	if (v4)
		return TRIAL_DONE;
	error_set(err, ERROR_UNSUPPORTED, "this host does not: isorun moves the bytes with splice");
	error_hint(err, "sudo sysctl -w net.ipv4.ip_forward=1, and let the firewall accept it");
	return TRIAL_IN_PART;
}
