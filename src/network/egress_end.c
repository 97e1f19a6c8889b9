/* Where something goes, as a value: reading and filling socket addresses, and what nobody is let
 * to. */
#include "egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { DNS = 53 };

bool egress_end_is(const struct egress_end *a, const struct egress_end *b)
{
	return a->port == b->port && a->address.family == b->address.family &&
	       memcmp(a->address.bytes, b->address.bytes, a->address.family == AF_INET6 ? 16 : 4) ==
		       0;
}

void egress_end_read(const struct sockaddr_storage *from, struct egress_end *ret)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	if (from->ss_family == AF_INET6)
		*ret = (struct egress_end){ { .family = AF_INET6, .v6 = v6->sin6_addr },
			ntohs(v6->sin6_port), v6->sin6_scope_id };
	else
		*ret = (struct egress_end){ { .family = AF_INET, .v4 = v4->sin_addr },
			ntohs(v4->sin_port), 0 };
}

socklen_t egress_end_fill(const struct egress_end *end, struct sockaddr_storage *ret)
{
	const socklen_t size = address_fill(&end->address, end->port, ret);

	if (end->address.family == AF_INET6)
		((struct sockaddr_in6 *)(void *)ret)->sin6_scope_id = end->scope;
	return size;
}

/* What they mean here is not what they mean inside: 0.0.0.0 is this host to connect(2); multicast
 * and broadcast have no connection; the networks of this and other isoruns have published ports
 * behind them that are meant for the host's own loopback. Link-local addresses of IPv4 are left:
 * they are reached as the host reaches them. */
static bool is_barred_v4(uint32_t address, const struct address_range *own)
{
	return address >> 24 == 0 || address >> 24 == 127 || address >> 29 == 7 ||
	       address >> 17 == 0xc612 >> 1 || address - own->first < own->count;
}

bool egress_is_barred(const struct netlink_address *address, const struct address_range *own)
{
	const struct netlink_address ours = address_gateway(AF_INET6);
	const uint8_t *bytes = address->bytes;
	uint32_t last;

	if (address->family == AF_INET)
		return is_barred_v4(ntohl(address->v4.s_addr), own);
	memcpy(&last, bytes + 12, sizeof last);
	if (IN6_IS_ADDR_V4MAPPED(&address->v6))
		return is_barred_v4(ntohl(last), own);
	return IN6_IS_ADDR_LOOPBACK(&address->v6) || IN6_IS_ADDR_UNSPECIFIED(&address->v6) ||
	       IN6_IS_ADDR_MULTICAST(&address->v6) || IN6_IS_ADDR_LINKLOCAL(&address->v6) ||
	       IN6_IS_ADDR_V4COMPAT(&address->v6) || memcmp(bytes, ours.bytes, 7) == 0;
}

bool egress_aim(const struct egress *egress, const struct egress_end *to, unsigned attempt,
	struct egress_end *ret)
{
	const struct egress_names *names = &egress->names;
	const struct egress_end resolver = { address_resolver(), DNS, 0 };

	if (egress_end_is(to, &resolver)) {
		if (attempt >= names->count)
			return false;
		*ret = names->servers[(names->good + attempt) % names->count];
		return true;
	}
	if (attempt > 0 || egress_is_barred(&to->address, &egress->own))
		return false;
	*ret = *to;
	return true;
}
