/* Private to network/egress*.c: datagrams of one namespace, to wherever they were to go and back.
 */
#ifndef NETWORK_EGRESS_DATAGRAM_H
#define NETWORK_EGRESS_DATAGRAM_H

#include "egress.h"

enum { EGRESS_PACKET_HEAD = 48 };

struct datagram_flow;

/* The flows of one namespace, the one used last first. */
struct datagrams {
	struct egress *egress;
	int heard[2], raw[2]; /* IPv4, IPv6; -1: none */
	struct datagram_flow *first, *last;
	unsigned count;
	struct loop_timer *sweep; /* armed: there are flows */
	struct datagrams *next, **at;
};

void datagrams_begin(struct datagrams *datagrams);
void datagrams_end(struct datagrams *datagrams);

/* Writes the IP and UDP headers of a datagram with len bytes of payload (65,507 at most); returns
 * their size. Pure. */
size_t egress_packet(const struct egress_end *from, const struct egress_end *to,
	const uint8_t *payload, size_t len, uint8_t ret[EGRESS_PACKET_HEAD]);

/* Writes a whole ICMP packet that tells the sender of a datagram from from to to that nobody takes
 * it there; returns its size. Pure. */
enum { EGRESS_REFUSAL = 96 };
size_t egress_refusal(
	const struct egress_end *from, const struct egress_end *to, uint8_t ret[EGRESS_REFUSAL]);

#endif
