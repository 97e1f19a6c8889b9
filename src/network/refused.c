/* What the rules refuse, said in words. The rules log a packet before they refuse it; which
 * instance sent it is told by the interface that it came in by, which no app can choose.
 *
 * A flood must not become one here: the rules log some packets a second of each instance, the
 * socket holds some hundred, and one reading takes few. So counts of what was refused are exact for
 * an app that tries again and again, and a lower bound for one that does nothing else. */
#include "refused.h"

#include "base/cleanup.h"
#include "kernel/nflog.h"
#include "network/address.h"
#include "network/network.h"
#include "state.h"

#include <netinet/in.h>
#include <stdio.h>

enum { AT_ONCE = 512 }; /* more than the socket holds: less than a millisecond */

struct reading {
	const struct network *network; /* NULL: a one-off's, which is alone */
	network_on_refused *call;
	void *context;
};

/* "connection to 93.184.216.34:443" */
static void describe(const struct nflog_packet *packet, char text[NETWORK_REFUSED_TEXT])
{
	char to[ADDRESS_TEXT], protocol[20] = "icmp";

	if (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP) {
		address_print(&packet->to, packet->port, to);
		(void)snprintf(text, NETWORK_REFUSED_TEXT, "%s to %s",
			packet->protocol == IPPROTO_TCP ? "connection" : "datagram", to);
		return;
	}
	address_print_host(&packet->to, to);
	if (packet->protocol != IPPROTO_ICMP && packet->protocol != IPPROTO_ICMPV6)
		(void)snprintf(protocol, sizeof protocol, "protocol %u", packet->protocol);
	(void)snprintf(text, NETWORK_REFUSED_TEXT, "packet (%s) to %s", protocol, to);
}

static bool find_slot(const struct network *network, int link, unsigned *ret)
{
	for (unsigned slot = 0; slot < NETWORK_SLOTS; slot++) {
		if (network->links[slot] != link)
			continue;
		*ret = slot;
		return true;
	}
	return false;
}

static void on_packet(void *context, const struct nflog_packet *packet)
{
	const struct reading *reading = context;
	char text[NETWORK_REFUSED_TEXT];
	unsigned slot = 0;

	if (reading->network && !find_slot(reading->network, packet->in, &slot))
		return; /* gone before its packet was read */
	describe(packet, text);
	reading->call(reading->context, slot, text);
}

int network_refused_fd(const struct network *network)
{
	return network->router.refused;
}

void network_read_refused(struct network *network, network_on_refused *call, void *context)
{
	struct reading reading = { network, call, context };

	if (network->router.refused >= 0)
		nflog_read(network->router.refused, AT_ONCE, on_packet, &reading);
}

void network_read_refused_alone(int fd, network_on_refused *call, void *context)
{
	struct reading reading = { NULL, call, context };

	if (fd >= 0)
		nflog_read(fd, AT_ONCE, on_packet, &reading);
}
