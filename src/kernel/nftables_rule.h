/* Private to kernel/nftables*.c: a batch's raw messages. */
#ifndef KERNEL_NFTABLES_RULE_H
#define KERNEL_NFTABLES_RULE_H

#include "kernel/nftables.h"

#include <libmnl/libmnl.h>

/* The object, or the end of the process: libnftnl returns NULL only when memory ran out. */
void *nftables_alloc(void *object);

/* Begins a message of at most size bytes at the end of the batch; nftables_add completes it. */
struct nlmsghdr *nftables_message(
	struct nftables_batch *batch, uint16_t type, uint16_t flags, size_t size);
void nftables_add(struct nftables_batch *batch, const struct nlmsghdr *message);

#endif
