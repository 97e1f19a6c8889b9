/* nf_tables batches: the messages around rules, and the answers. What a rule is made of is in
 * nftables_rule.c.
 *
 * Deliberately absent: reading rules back. What others wrote is none of isorun's business, and its
 * own it knows. */
#include "kernel/nftables.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "nftables_rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = 4096 }; /* more than any message but that of a map's elements */

int nftables_open(int namespace_fd, struct error *err)
{
	const int on = 1;
	int fd;

	if (namespace_fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	else
		fd = namespace_socket(namespace_fd, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, err);
	if (fd < 0 && namespace_fd < 0)
		error_errno(err, "nf_tables");
	if (fd < 0 && err->errnum == EPROTONOSUPPORT)
		err->kind = ERROR_UNSUPPORTED;
	if (fd < 0)
		return -1;
	/* Without it an error would carry the whole message back. Older kernels answer longer. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return fd;
}

void *nftables_alloc(void *object)
{
	if (!object)
		abort(); /* out of memory */
	return object;
}

struct nlmsghdr *nftables_message(
	struct nftables_batch *batch, uint16_t type, uint16_t flags, size_t size)
{
	buf_reserve(&batch->messages, size);
	return nftnl_nlmsg_build_hdr(batch->messages.data + batch->messages.len, type, NFPROTO_INET,
		flags, batch->sequence++);
}

void nftables_add(struct nftables_batch *batch, const struct nlmsghdr *message)
{
	batch->messages.len += MNL_ALIGN(message->nlmsg_len);
}

void nftables_begin(struct nftables_batch *batch, const char *table)
{
	batch->table = table;
	batch->sequence = 1;
	buf_reserve(&batch->messages, MESSAGE_MAX);
	nftables_add(batch,
		nftnl_batch_begin(batch->messages.data + batch->messages.len, batch->sequence++));
}

void nftables_add_table(struct nftables_batch *batch, bool owned)
{
	struct nftnl_table *table = nftables_alloc(nftnl_table_alloc());
	struct nlmsghdr *message;

	nftnl_table_set_u32(table, NFTNL_TABLE_FAMILY, NFPROTO_INET);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table);
	nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, owned ? NFT_TABLE_F_OWNER : 0);
	message = nftables_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, MESSAGE_MAX);
	nftnl_table_nlmsg_build_payload(message, table);
	nftables_add(batch, message);
	nftnl_table_free(table);
}

void nftables_add_chain(struct nftables_batch *batch, const struct nftables_chain *chain)
{
	struct nftnl_chain *made = nftables_alloc(nftnl_chain_alloc());
	struct nlmsghdr *message;

	nftnl_chain_set_str(made, NFTNL_CHAIN_TABLE, batch->table);
	nftnl_chain_set_str(made, NFTNL_CHAIN_NAME, chain->name);
	if (chain->type) {
		nftnl_chain_set_str(made, NFTNL_CHAIN_TYPE, chain->type);
		nftnl_chain_set_u32(made, NFTNL_CHAIN_HOOKNUM, chain->hook);
		nftnl_chain_set_s32(made, NFTNL_CHAIN_PRIO, chain->priority);
		nftnl_chain_set_u32(made, NFTNL_CHAIN_POLICY, chain->drop ? NF_DROP : NF_ACCEPT);
	}
	message = nftables_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, MESSAGE_MAX);
	nftnl_chain_nlmsg_build_payload(message, made);
	nftables_add(batch, message);
	nftnl_chain_free(made);
}

void nftables_flush_chain(struct nftables_batch *batch, const char *chain)
{
	struct nftnl_rule *rule = nftables_alloc(nftnl_rule_alloc());
	struct nlmsghdr *message;

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, batch->table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	message = nftables_message(batch, NFT_MSG_DELRULE, 0, MESSAGE_MAX);
	nftnl_rule_nlmsg_build_payload(message, rule);
	nftables_add(batch, message);
	nftnl_rule_free(rule);
}

static int check_answers(int fd, struct error *err)
{
	struct nlmsgerr failure;
	int failed = netlink_read_answers(fd, &failure);

	if (failed == 0)
		return 0;
	if (failed > 0)
		errno = -failure.error;
	error_errno(err, "nf_tables");
	/* ENOENT: the kernel knows no such expression or chain type. EINVAL with rules that another
	 * kernel takes means that this one has less. */
	if (err->errnum == EOPNOTSUPP || err->errnum == ENOENT || err->errnum == EPROTONOSUPPORT)
		err->kind = ERROR_UNSUPPORTED;
	return -1;
}

int nftables_send(int fd, struct nftables_batch *batch, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int result;

	buf_reserve(&batch->messages, MESSAGE_MAX);
	nftables_add(batch,
		nftnl_batch_end(batch->messages.data + batch->messages.len, batch->sequence));
	if (sendto(fd, batch->messages.data, batch->messages.len, 0, (const void *)&kernel,
		    sizeof kernel) < 0)
		result = error_errno(err, "nf_tables");
	else
		result = check_answers(fd, err);
	batch->messages.len = 0;
	batch->sequence = 0;
	return result;
}

void nftables_done(struct nftables_batch *batch)
{
	buf_done(&batch->messages);
}
