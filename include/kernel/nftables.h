/* nf_tables, through libnftnl: tables of family inet, made and changed in batches that hold wholly
 * or not at all. Rules are values: what a packet must be, and what happens to it. nft(8) prints
 * what comes of them; names below are its words. */
#ifndef KERNEL_NFTABLES_H
#define KERNEL_NFTABLES_H

#include "base/buf.h"
#include "base/error.h"
#include "kernel/netlink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nftables_batch {
	struct buf messages;
	const char *table;
	uint32_t sequence; /* 0: not begun */
};

/* A base chain; type NULL makes a plain one, to be jumped to. */
struct nftables_chain {
	const char *name;
	const char *type; /* "filter", "nat", "route" */
	uint32_t hook;    /* NF_INET_* */
	int priority;     /* NF_IP_PRI_* */
	bool drop;        /* policy */
};

enum nftables_action {
	NFTABLES_ACCEPT,
	NFTABLES_DROP,
	NFTABLES_REJECT,               /* ICMP: the port is unreachable */
	NFTABLES_RESET,                /* TCP only: the rule holds for nothing else */
	NFTABLES_JUMP,                 /* to target */
	NFTABLES_MARK_CONNECTION,      /* ct mark set mark */
	NFTABLES_MARK_FROM_CONNECTION, /* meta mark set ct mark */
	NFTABLES_MARK,                 /* meta mark set mark */
	NFTABLES_TPROXY, /* to the transparent socket at the first address, to_port; of TCP or UDP
			  */
	NFTABLES_DNAT,   /* to the addresses in turn, to_port */
	NFTABLES_SNAT,   /* to the first address */
	NFTABLES_MASQUERADE,
	NFTABLES_LOG, /* the packet's head to the nflog group, then on to the next rule; with a
			 target, a meter, at most NFTABLES_RATE a second of each interface */
};

enum { NFTABLES_RATE = 50, NFTABLES_BURST = 100 }; /* packets */

/* Every member that is not zero must hold. */
struct nftables_rule {
	const char *chain;
	int in, out; /* interfaces; negative: any but this one */
	int family;  /* AF_INET, AF_INET6; implied by source and destination */
	struct netlink_address source, destination;
	unsigned source_prefix, destination_prefix; /* 0: the whole address */
	bool to_local;          /* destination is one of this namespace's own addresses */
	uint16_t tcp_port;      /* destination port; the packet is TCP */
	uint8_t protocol;       /* IPPROTO_*; implied by tcp_port and NFTABLES_RESET */
	uint32_t state;         /* enum nftables_state bits, any of them */
	bool dnatted;           /* ct status dnat */
	uint32_t marked;        /* ct mark */
	uint32_t packet_marked; /* meta mark */

	enum nftables_action action;
	const char *target;
	uint32_t mark;
	const struct netlink_address *to; /* all of one family, that of the packet */
	size_t to_count;
	uint16_t to_port;
	uint16_t group;
};

enum nftables_state {
	NFTABLES_INVALID = 1 << 0,
	NFTABLES_ESTABLISHED = 1 << 1,
	NFTABLES_RELATED = 1 << 2,
	NFTABLES_NEW = 1 << 3,
};

/* A nfnetlink socket of the namespace namespace_fd; -1: of this process's own. */
int nftables_open(int namespace_fd, struct error *err);

/* Starts a batch on table (not copied). */
void nftables_begin(struct nftables_batch *batch, const char *table);

/* owned: the table dies with the socket that the batch is sent on, and only it may change it. */
void nftables_add_table(struct nftables_batch *batch, bool owned);
void nftables_add_chain(struct nftables_batch *batch, const struct nftables_chain *chain);
void nftables_flush_chain(struct nftables_batch *batch, const char *chain);

/* A set in which rules that log count by the interface that a packet came in by. */
void nftables_add_meter(struct nftables_batch *batch, const char *meter, uint32_t size);
void nftables_add_rule(struct nftables_batch *batch, const struct nftables_rule *rule);

/* Sends and empties the batch: all of it holds, or nothing. ERROR_UNSUPPORTED where the kernel
 * lacks nf_tables or one of the expressions used. */
int nftables_send(int fd, struct nftables_batch *batch, struct error *err);
void nftables_done(struct nftables_batch *batch);

#define CLEANUP_NFTABLES __attribute__((cleanup(nftables_done)))

#endif
