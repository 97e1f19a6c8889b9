/* A rule as nf_tables runs it: a list of expressions that load something into a register, compare
 * it, and at the end act. Register 1 holds what is compared; an action uses 1 and 2.
 *
 * Several addresses to translate to become an anonymous map, numgen's count to address, so that
 * the choice costs one look-up however many instances there are. */
#include "kernel/nftables.h"

#include "nftables_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

enum {
	RULE_MAX = 4096,
	ELEMENTS_MAX =
		65536,    /* an attribute's length has 16 bits; 1,000 IPv6 addresses need 44 kB */
	TYPE_INTEGER = 4, /* nft's own names for types of data: for printing only */
	TYPE_IPV4 = 7,
	TYPE_IPV6 = 8,
	TYPE_INTERFACE = 20,
	METER_FORGETS = 60000, /* milliseconds: interfaces come and go */
};

static struct nftnl_expr *add(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *made = nftables_alloc(nftnl_expr_alloc(name));

	nftnl_rule_add_expr(rule, made);
	return made;
}

static void compare(struct nftnl_rule *rule, uint32_t how, const void *data, uint32_t size)
{
	struct nftnl_expr *made = add(rule, "cmp");

	nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_OP, how);
	nftnl_expr_set(made, NFTNL_EXPR_CMP_DATA, data, size);
}

static void mask(struct nftnl_rule *rule, const void *bits, uint32_t size)
{
	static const uint8_t none[16];
	struct nftnl_expr *made = add(rule, "bitwise");

	nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_LEN, size);
	nftnl_expr_set(made, NFTNL_EXPR_BITWISE_MASK, bits, size);
	nftnl_expr_set(made, NFTNL_EXPR_BITWISE_XOR, none, size);
}

static void load_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *made = add(rule, "meta");

	nftnl_expr_set_u32(made, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(made, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t size)
{
	struct nftnl_expr *made = add(rule, "payload");

	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_LEN, size);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void load_connection(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *made = add(rule, "ct");

	nftnl_expr_set_u32(made, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(made, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void load_data(struct nftnl_rule *rule, uint32_t into, const void *data, uint32_t size)
{
	struct nftnl_expr *made = add(rule, "immediate");

	nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_DREG, into);
	nftnl_expr_set(made, NFTNL_EXPR_IMM_DATA, data, size);
}

static uint32_t size_of(const struct netlink_address *address)
{
	return address->family == AF_INET6 ? 16 : 4;
}

static void match_link(struct nftnl_rule *rule, uint32_t key, int link)
{
	uint32_t index = (uint32_t)(link < 0 ? -link : link);

	if (!link)
		return;
	load_meta(rule, key);
	compare(rule, link < 0 ? NFT_CMP_NEQ : NFT_CMP_EQ, &index, sizeof index);
}

static void match_family(struct nftnl_rule *made, const struct nftables_rule *rule)
{
	int family = rule->family;
	uint8_t protocol;

	if (!family)
		family = rule->source.family ? rule->source.family : rule->destination.family;
	if (!family)
		return;
	protocol = family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	load_meta(made, NFT_META_NFPROTO);
	compare(made, NFT_CMP_EQ, &protocol, sizeof protocol);
}

static void match_address(struct nftnl_rule *rule, const struct netlink_address *address,
	unsigned prefix, bool source)
{
	uint32_t size = size_of(address);
	uint32_t offset = address->family == AF_INET6 ? 8 : 12; /* of the source, in its header */
	uint8_t bits[16] = { 0 }, wanted[16];

	if (!address->family)
		return;
	memcpy(wanted, address->bytes, sizeof wanted);
	load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, source ? offset : offset + size, size);
	if (prefix) {
		for (unsigned i = 0; i < prefix; i++)
			bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
		for (uint32_t i = 0; i < size; i++)
			wanted[i] &= bits[i];
		mask(rule, bits, size);
	}
	compare(rule, NFT_CMP_EQ, wanted, size);
}

static void match_local(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *made = add(rule, "fib");

	nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	compare(rule, NFT_CMP_EQ, &local, sizeof local);
}

static void match_protocol(struct nftnl_rule *rule, uint8_t protocol)
{
	load_meta(rule, NFT_META_L4PROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof protocol);
}

static void match_port(struct nftnl_rule *rule, uint16_t port)
{
	uint16_t wire = htons(port);

	match_protocol(rule, IPPROTO_TCP);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof wire);
	compare(rule, NFT_CMP_EQ, &wire, sizeof wire);
}

static void match_connection(struct nftnl_rule *made, const struct nftables_rule *rule)
{
	const uint32_t none = 0, dnatted = IPS_DST_NAT;

	if (rule->state) {
		load_connection(made, NFT_CT_STATE);
		mask(made, &rule->state, sizeof rule->state);
		compare(made, NFT_CMP_NEQ, &none, sizeof none);
	}
	if (rule->dnatted) {
		load_connection(made, NFT_CT_STATUS);
		mask(made, &dnatted, sizeof dnatted);
		compare(made, NFT_CMP_NEQ, &none, sizeof none);
	}
	if (rule->packet_marked) {
		load_meta(made, NFT_META_MARK);
		compare(made, NFT_CMP_EQ, &rule->packet_marked, sizeof rule->packet_marked);
	}
	if (rule->marked) {
		load_connection(made, NFT_CT_MARK);
		compare(made, NFT_CMP_EQ, &rule->marked, sizeof rule->marked);
	}
}

static void act_verdict(struct nftnl_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *made = add(rule, "immediate");

	nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(made, NFTNL_EXPR_IMM_CHAIN, chain);
}

static void act_reject(struct nftnl_rule *rule, uint32_t type, uint8_t code)
{
	struct nftnl_expr *made = add(rule, "reject");

	nftnl_expr_set_u32(made, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(made, NFTNL_EXPR_REJECT_CODE, code);
}

static void act_mark_connection(struct nftnl_rule *rule, uint32_t mark)
{
	struct nftnl_expr *made;

	load_data(rule, NFT_REG_1, &mark, sizeof mark);
	made = add(rule, "ct");
	nftnl_expr_set_u32(made, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(made, NFTNL_EXPR_CT_SREG, NFT_REG_1);
}

/* With 0: from the connection. */
static void act_mark(struct nftnl_rule *rule, uint32_t mark)
{
	struct nftnl_expr *made;

	if (mark)
		load_data(rule, NFT_REG_1, &mark, sizeof mark);
	else
		load_connection(rule, NFT_CT_MARK);
	made = add(rule, "meta");
	nftnl_expr_set_u32(made, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(made, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static struct nftnl_set *make_map(
	struct nftables_batch *batch, const struct nftables_rule *rule, uint32_t id)
{
	struct nftnl_set *map = nftables_alloc(nftnl_set_alloc());

	nftnl_set_set_str(map, NFTNL_SET_TABLE, batch->table);
	nftnl_set_set_str(map, NFTNL_SET_NAME, "__map%d");
	nftnl_set_set_u32(map, NFTNL_SET_ID, id);
	nftnl_set_set_u32(map, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(map, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP);
	nftnl_set_set_u32(map, NFTNL_SET_KEY_TYPE, TYPE_INTEGER);
	nftnl_set_set_u32(map, NFTNL_SET_KEY_LEN, sizeof(uint32_t));
	nftnl_set_set_u32(
		map, NFTNL_SET_DATA_TYPE, rule->to->family == AF_INET6 ? TYPE_IPV6 : TYPE_IPV4);
	nftnl_set_set_u32(map, NFTNL_SET_DATA_LEN, size_of(rule->to));
	nftnl_set_set_u32(map, NFTNL_SET_DESC_SIZE, (uint32_t)rule->to_count);
	for (uint32_t i = 0; i < rule->to_count; i++) {
		struct nftnl_set_elem *element = nftables_alloc(nftnl_set_elem_alloc());

		nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &i, sizeof i);
		nftnl_set_elem_set(
			element, NFTNL_SET_ELEM_DATA, rule->to[i].bytes, size_of(rule->to));
		nftnl_set_elem_add(map, element);
	}
	return map;
}

static void add_map(struct nftables_batch *batch, const struct nftables_rule *rule, uint32_t id)
{
	struct nftnl_set *map = make_map(batch, rule, id);
	struct nlmsghdr *message = nftables_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE, RULE_MAX);

	nftnl_set_nlmsg_build_payload(message, map);
	nftables_add(batch, message);
	message = nftables_message(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, ELEMENTS_MAX);
	nftnl_set_elems_nlmsg_build_payload(message, map);
	nftables_add(batch, message);
	nftnl_set_free(map);
}

/* Loads an address into register 1: the only one, or each in turn. */
static void load_target(struct nftnl_rule *made, const struct nftables_rule *rule, uint32_t map)
{
	struct nftnl_expr *turn, *choice;

	if (rule->to_count == 1) {
		load_data(made, NFT_REG_1, rule->to->bytes, size_of(rule->to));
		return;
	}
	turn = add(made, "numgen");
	nftnl_expr_set_u32(turn, NFTNL_EXPR_NG_DREG, NFT_REG_1);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_NG_TYPE, NFT_NG_INCREMENTAL);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_NG_MODULUS, (uint32_t)rule->to_count);
	choice = add(made, "lookup");
	nftnl_expr_set_u32(choice, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(choice, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_expr_set_str(choice, NFTNL_EXPR_LOOKUP_SET, "__map%d");
	nftnl_expr_set_u32(choice, NFTNL_EXPR_LOOKUP_SET_ID, map);
}

static void act_translate(struct nftnl_rule *made, const struct nftables_rule *rule, uint32_t map)
{
	uint16_t port = htons(rule->to_port);
	struct nftnl_expr *nat;

	load_target(made, rule, map);
	if (port)
		load_data(made, NFT_REG_2, &port, sizeof port);
	nat = add(made, "nat");
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE,
		rule->action == NFTABLES_DNAT ? NFT_NAT_DNAT : NFT_NAT_SNAT);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY,
		rule->to->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (port)
		nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
}

static void act_tproxy(struct nftnl_rule *made, const struct nftables_rule *rule)
{
	const uint16_t port = htons(rule->to_port);
	struct nftnl_expr *tproxy;

	load_data(made, NFT_REG_1, rule->to->bytes, size_of(rule->to));
	load_data(made, NFT_REG_2, &port, sizeof port);
	tproxy = add(made, "tproxy");
	nftnl_expr_set_u32(tproxy, NFTNL_EXPR_TPROXY_FAMILY,
		rule->to->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nftnl_expr_set_u32(tproxy, NFTNL_EXPR_TPROXY_REG_ADDR, NFT_REG_1);
	nftnl_expr_set_u32(tproxy, NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_2);
}

/* How often each interface had its packets logged is an element of its own in the meter, made by
 * the first packet: who sends a flood uses up his own share. */
static void limit_each(struct nftnl_rule *made, const struct nftables_rule *rule)
{
	struct nftnl_expr *limit = nftables_alloc(nftnl_expr_alloc("limit")), *update;

	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, NFTABLES_RATE);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, NFTABLES_BURST);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	load_meta(made, NFT_META_IIF);
	update = add(made, "dynset");
	nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_str(update, NFTNL_EXPR_DYNSET_SET_NAME, rule->target);
	nftnl_expr_set(update, NFTNL_EXPR_DYNSET_EXPR, limit, 0); /* which frees it, too */
}

static void act_log(struct nftnl_rule *made, const struct nftables_rule *rule)
{
	struct nftnl_expr *log;

	if (rule->target)
		limit_each(made, rule);
	log = add(made, "log");
	nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_GROUP, rule->group);
}

static void act(struct nftnl_rule *made, const struct nftables_rule *rule, uint32_t map)
{
	switch (rule->action) {
	case NFTABLES_ACCEPT:
		return act_verdict(made, NF_ACCEPT, NULL);
	case NFTABLES_DROP:
		return act_verdict(made, NF_DROP, NULL);
	case NFTABLES_JUMP:
		return act_verdict(made, NFT_JUMP, rule->target);
	case NFTABLES_REJECT:
		return act_reject(made, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
	case NFTABLES_RESET:
		return act_reject(made, NFT_REJECT_TCP_RST, 0);
	case NFTABLES_MARK_CONNECTION:
		return act_mark_connection(made, rule->mark);
	case NFTABLES_MARK_FROM_CONNECTION:
		return act_mark(made, 0);
	case NFTABLES_MARK:
		return act_mark(made, rule->mark);
	case NFTABLES_TPROXY:
		return act_tproxy(made, rule);
	case NFTABLES_DNAT:
	case NFTABLES_SNAT:
		return act_translate(made, rule, map);
	case NFTABLES_MASQUERADE:
		(void)add(made, "masq"); /* it needs nothing said */
		return;
	case NFTABLES_LOG:
		return act_log(made, rule);
	}
}

void nftables_add_meter(struct nftables_batch *batch, const char *meter, uint32_t size)
{
	struct nftnl_set *set = nftables_alloc(nftnl_set_alloc());
	struct nlmsghdr *message;

	nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, meter);
	nftnl_set_set_u32(set, NFTNL_SET_ID, batch->sequence);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_TIMEOUT | NFT_SET_EVAL);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, TYPE_INTERFACE);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, sizeof(uint32_t));
	nftnl_set_set_u64(set, NFTNL_SET_TIMEOUT, METER_FORGETS);
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, size);
	message = nftables_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE, RULE_MAX);
	nftnl_set_nlmsg_build_payload(message, set);
	nftables_add(batch, message);
	nftnl_set_free(set);
}

void nftables_add_rule(struct nftables_batch *batch, const struct nftables_rule *rule)
{
	struct nftnl_rule *made = nftables_alloc(nftnl_rule_alloc());
	uint32_t map = batch->sequence; /* an id that is this rule's own within the batch */
	struct nlmsghdr *message;

	if (rule->to_count > 1)
		add_map(batch, rule, map);
	nftnl_rule_set_str(made, NFTNL_RULE_TABLE, batch->table);
	nftnl_rule_set_str(made, NFTNL_RULE_CHAIN, rule->chain);
	nftnl_rule_set_u32(made, NFTNL_RULE_FAMILY, NFPROTO_INET);
	match_link(made, NFT_META_IIF, rule->in);
	match_link(made, NFT_META_OIF, rule->out);
	match_family(made, rule);
	match_address(made, &rule->source, rule->source_prefix, true);
	match_address(made, &rule->destination, rule->destination_prefix, false);
	if (rule->to_local)
		match_local(made);
	if (rule->tcp_port)
		match_port(made, rule->tcp_port);
	else if (rule->protocol || rule->action == NFTABLES_RESET)
		match_protocol(made, rule->protocol ? rule->protocol : IPPROTO_TCP);
	match_connection(made, rule);
	act(made, rule, map);
	message = nftables_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, RULE_MAX);
	nftnl_rule_nlmsg_build_payload(message, made);
	nftables_add(batch, message);
	nftnl_rule_free(made);
}
