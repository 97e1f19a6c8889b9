/* Packets as another machine would have sent them, for the raw sockets in an instance's namespace:
 * only so can an answer come from any address and port. They never leave that namespace. */
#include "egress_datagram.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <string.h>

enum { HOPS = 64, V4 = sizeof(struct iphdr), V6 = sizeof(struct ip6_hdr), UDP = 8, ICMP = 8 };

static uint32_t add_bytes(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	return len % 2 ? sum + (uint32_t)(data[len - 1] << 8) : sum;
}

/* RFC 1071. A sum of up to 64 kB does not overflow 32 bits. */
static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Of what goes in front of an IPv6 payload's sum (RFC 8200, 8.1). */
static uint32_t pseudo_header(const struct netlink_address *from, const struct netlink_address *to,
	size_t len, uint8_t next)
{
	uint32_t sum = (uint32_t)len + next;

	sum = add_bytes(sum, from->bytes, 16);
	return add_bytes(sum, to->bytes, 16);
}

static size_t put_ip(const struct netlink_address *from, const struct netlink_address *to,
	uint8_t protocol, uint8_t protocol6, size_t len, uint8_t *ret)
{
	const struct iphdr v4 = {
		.version = 4,
		.ihl = V4 / 4,
		.tot_len = htons((uint16_t)(V4 + len)),
		.ttl = HOPS,
		.protocol = protocol,
		.saddr = from->v4.s_addr,
		.daddr = to->v4.s_addr,
	};
	const struct ip6_hdr v6 = {
		.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons((uint16_t)len),
		.ip6_nxt = protocol6,
		.ip6_hlim = HOPS,
		.ip6_src = from->v6,
		.ip6_dst = to->v6,
	};

	if (from->family == AF_INET6)
		memcpy(ret, &v6, sizeof v6);
	else
		memcpy(ret, &v4, sizeof v4); /* its sum is made by the kernel, see raw(7) */
	return from->family == AF_INET6 ? sizeof v6 : sizeof v4;
}

/* Over IPv4 a sum of 0 says that there is none; over IPv6 there must be one. */
static void put_udp(
	const struct egress_end *from, const struct egress_end *to, size_t len, uint8_t ret[UDP])
{
	const struct udphdr header = {
		.source = htons(from->port),
		.dest = htons(to->port),
		.len = htons((uint16_t)(UDP + len)),
	};

	memcpy(ret, &header, sizeof header);
}

size_t egress_packet(const struct egress_end *from, const struct egress_end *to,
	const uint8_t *payload, size_t len, uint8_t ret[EGRESS_PACKET_HEAD])
{
	uint8_t *udp = ret + put_ip(&from->address, &to->address, IPPROTO_UDP, IPPROTO_UDP,
				     UDP + len, ret);
	uint32_t sum;
	uint16_t check;

	assert(from->address.family == to->address.family);
	put_udp(from, to, len, udp);
	if (from->address.family == AF_INET6) {
		sum = pseudo_header(&from->address, &to->address, UDP + len, IPPROTO_UDP);
		sum = add_bytes(sum, udp, UDP);
		check = fold(add_bytes(sum, payload, len));
		if (!check)
			check = 0xffff;
		memcpy(udp + offsetof(struct udphdr, check), &check, sizeof check);
	}
	return (size_t)(udp + UDP - ret);
}

/* What was sent, as far as an ICMP error has to quote it: its headers. */
size_t egress_refusal(
	const struct egress_end *from, const struct egress_end *to, uint8_t ret[EGRESS_REFUSAL])
{
	const bool is_v6 = from->address.family == AF_INET6;
	const size_t quoted = (is_v6 ? V6 : V4) + UDP;
	uint8_t *icmp = ret + put_ip(&to->address, &from->address, IPPROTO_ICMP, IPPROTO_ICMPV6,
				      ICMP + quoted, ret);
	uint8_t *quote = icmp + ICMP;
	uint32_t sum = 0;
	uint16_t check;

	assert(from->address.family == to->address.family);
	memset(icmp, 0, ICMP);
	icmp[0] = is_v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	icmp[1] = is_v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_PORT_UNREACH;
	quote += put_ip(&from->address, &to->address, IPPROTO_UDP, IPPROTO_UDP, UDP, quote);
	put_udp(from, to, 0, quote);
	if (is_v6)
		sum = pseudo_header(&to->address, &from->address, ICMP + quoted, IPPROTO_ICMPV6);
	check = fold(add_bytes(sum, icmp, ICMP + quoted));
	memcpy(icmp + offsetof(struct icmphdr, checksum), &check, sizeof check);
	return (size_t)(icmp + ICMP + quoted - ret);
}
