/* Private to network: what gates.c and its processes tell each other. Whole datagrams of numbers:
 * no text comes back from a process that handles strangers' bytes. */
#ifndef NETWORK_GATE_MESSAGE_H
#define NETWORK_GATE_MESSAGE_H

#include "kernel/netlink.h"

#include <stdint.h>

enum {
	GATE_SOCKETS = 128,  /* descriptors in one message; the kernel takes 253 */
	GATE_ADDRESSES = 16, /* of one name that are tried */
	GATE_LOOKUP = 10,    /* seconds that a lookup may take */
};

/* GATE_EGRESS: the descriptors are those of egress_inside. */
enum gate_verb { GATE_OPEN, GATE_CLOSE, GATE_TRY, GATE_EGRESS };

/* To the gates. */
struct gate_order {
	uint16_t verb;
	uint16_t place;
	uint16_t count;                  /* of the descriptors that come with it */
	uint16_t services[GATE_SOCKETS]; /* whose each is; GATE_TRY: the first */
};

enum gate_outcome {
	GATE_ANSWERS,
	GATE_FAILED,     /* code: errno of the last address */
	GATE_UNRESOLVED, /* code: EAI_* */
	GATE_SLOW,       /* no answer to the lookup */
	GATE_CROWDED,    /* code: connections that an instance holds, whose next ones wait */
	GATE_REBOUND,    /* its name resolves to address, which is refused */
};

/* From the gates. */
struct gate_report {
	uint16_t service;
	uint16_t outcome;
	uint16_t is_try; /* the answer to GATE_TRY, else a connection of an app's */
	uint32_t count;  /* how often since it was last told, not told */
	int32_t code;
	struct netlink_address address;
};

/* To and from the resolver. */
struct gate_question {
	uint32_t sequence;
	uint16_t service;
};

struct gate_answer {
	struct gate_question to;
	int32_t code; /* EAI_*, 0: none */
	uint32_t count;
	struct netlink_address addresses[GATE_ADDRESSES];
};

#endif
