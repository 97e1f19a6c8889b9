/* rtnetlink(7), one of the doors to libmnl (the others are kernel/nftables and kernel/nflog):
 * links, addresses, routes, neighbours and rules. Messages are collected in a batch and sent by one
 * sendmsg(2). */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include "base/buf.h"
#include "base/error.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* An IPv4 or IPv6 address; family 0 is none. */
struct netlink_address {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	};
};

/* Messages in wire format, in order. Zeroed is empty. */
struct netlink_batch {
	struct buf messages;
	const char *what[64]; /* a noun for each, for its error; not copied */
	unsigned count;
};

struct netlink_end {
	const char *name;
	int index; /* 0: the kernel chooses */
	uint8_t mac[6];
	int namespace_fd; /* -1: the socket's own */
};

enum netlink_gate { NETLINK_PLAIN, NETLINK_FORWARD, NETLINK_LOCALNET };

struct netlink_route {
	struct netlink_address to;      /* family only, with prefix 0: the default route */
	struct netlink_address gateway; /* family 0: on the link */
	struct netlink_address source;  /* preferred; family 0: the kernel chooses */
	unsigned prefix;
	int link;
	unsigned table; /* 0: main */
	bool local;     /* deliver to this namespace's own sockets */
	bool is_near;   /* what it leads to is on this machine: connections do without pacing */
};

/* An rtnetlink socket of the namespace namespace_fd; -1: of this process's own. */
int netlink_open(int namespace_fd, struct error *err);

/* A pair of virtual Ethernet interfaces, both down; what is said of an end holds from its birth. */
void netlink_add_veth(
	struct netlink_batch *batch, const struct netlink_end *a, const struct netlink_end *b);

/* Brings a link up without automatic IPv6 addresses; gate says whether it forwards IPv4 packets, or
 * takes 127.0.0.0/8 for something that can be routed: ip-sysctl's forwarding and route_localnet,
 * of this link alone. ipv6: whether the link has IPv6 at all. */
void netlink_set_up(struct netlink_batch *batch, int link, enum netlink_gate gate, bool ipv6);

/* Makes a link that was up before its other end was able to send at once. */
void netlink_settle(struct netlink_batch *batch, int link);

/* An address of this one host on the link; with a prefix shorter than full, of its network. No
 * duplicate detection. */
void netlink_add_address(struct netlink_batch *batch, int link,
	const struct netlink_address *address, unsigned prefix);

/* A neighbour whose hardware address is known for good. */
void netlink_add_neighbour(struct netlink_batch *batch, int link,
	const struct netlink_address *address, const uint8_t mac[6]);

/* A route; it replaces another to the same place. */
void netlink_add_route(struct netlink_batch *batch, const struct netlink_route *route);

/* Packets with the mark look in table before any other. */
void netlink_add_rule(struct netlink_batch *batch, int family, uint32_t mark, unsigned table);

/* Reads the answers to a batch, all of which the kernel has given before sendmsg(2) returned: no
 * answer is success. 0; 1 with the first failure in *ret, its errno negative; -1 with errno. */
int netlink_read_answers(int fd, struct nlmsgerr *ret);

/* Sends everything and empties the batch. The kernel carries on behind a message that failed; the
 * error is that of the first. ERROR_UNSUPPORTED where the kernel lacks a kind of link. */
int netlink_send(int fd, struct netlink_batch *batch, struct error *err);
void netlink_done(struct netlink_batch *batch);

/* Where packets to an address go. */
enum netlink_way { NETLINK_NOWHERE, NETLINK_DEFAULT, NETLINK_ROUTED, NETLINK_LOCAL };
int netlink_look_up(
	int fd, const struct netlink_address *address, enum netlink_way *ret, struct error *err);

#define CLEANUP_NETLINK __attribute__((cleanup(netlink_done)))

#endif
