/* nfnetlink_log, one of the doors to libmnl: the heads of packets that nf_tables rules of a network
 * namespace hand over (NFTABLES_LOG), as they pass. */
#ifndef KERNEL_NFLOG_H
#define KERNEL_NFLOG_H

#include "base/error.h"
#include "kernel/netlink.h"

#include <stddef.h>
#include <stdint.h>

/* Where a packet was going. */
struct nflog_packet {
	int in;           /* the interface that it came in by; 0: none, it was made here */
	uint8_t protocol; /* IPPROTO_* */
	uint16_t port;    /* of TCP and UDP */
	struct netlink_address to;
};

typedef void nflog_on_packet(void *context, const struct nflog_packet *packet);

/* Makes the nfnetlink socket fd (of nftables_open) the one that gets what is logged to group in its
 * namespace, as long as it is open. ERROR_UNSUPPORTED where the kernel has no nfnetlink_log. */
int nflog_bind(int fd, uint16_t group, struct error *err);

/* Hands over what has come, at most about max packets; does not wait. What a full socket had no
 * room for is lost. */
void nflog_read(int fd, unsigned max, nflog_on_packet *call, void *context);

/* What nflog_read makes of one datagram, aligned as netlink messages are. What nobody means to
 * connect with is left out: a TCP segment that opens no connection, a later fragment, the kernel's
 * own ICMPv6 and IGMP. Pure; the packets in it are an app's, so any bytes are fine. */
void nflog_take(const void *datagram, size_t len, nflog_on_packet *call, void *context);

#endif
