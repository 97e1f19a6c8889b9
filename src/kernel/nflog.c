/* nfnetlink_log: binding a group, and reading heads of packets.
 *
 * The kernel's part of a message is trusted, the packet in it is not: an app chose its bytes, its
 * length and how many headers it has. So each step asks first whether there is that much left.
 *
 * Deliberately absent: the kernel's own batching, which would hold a packet back for a second. */
#include "kernel/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
	HEAD = 160, /* bytes of a packet: every usual header in front of the ports */
	EXTENSIONS_MAX = 8,
	REQUEST_MAX = 512,
	IPV6_AUTHENTICATION = 51,
};

static struct nlmsghdr *add_request(char *at, uint16_t group)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(at);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST;
	body->nfgen_family = AF_UNSPEC;
	body->version = NFNETLINK_V0;
	body->res_id = htons(group);
	return message;
}

int nflog_bind(int fd, uint16_t group, struct error *err)
{
	const struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_mode = NFULNL_COPY_PACKET,
		.copy_range = htonl(HEAD),
	};
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char request[REQUEST_MAX];
	struct nlmsghdr *message = add_request(request, group);
	struct nlmsgerr failure;
	int failed;

	mnl_attr_put(message, NFULA_CFG_CMD, sizeof bind, &bind);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof mode, &mode);
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1)); /* each at once */
	if (sendto(fd, message, message->nlmsg_len, 0, (const void *)&kernel, sizeof kernel) < 0)
		return error_errno(err, "nfnetlink_log");
	failed = netlink_read_answers(fd, &failure);
	if (failed == 0)
		return 0;
	if (failed > 0)
		errno = -failure.error;
	error_errno(err, "nfnetlink_log");
	if (err->errnum == EINVAL || err->errnum == EOPNOTSUPP) /* no such subsystem */
		err->kind = ERROR_UNSUPPORTED;
	return -1;
}

/* What is left of a packet. */
struct rest {
	const uint8_t *data;
	size_t len;
};

static bool skip(struct rest *rest, size_t len)
{
	if (len > rest->len)
		return false;
	rest->data += len;
	rest->len -= len;
	return true;
}

static uint16_t read_u16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static bool read_v4(struct rest *rest, struct nflog_packet *ret)
{
	struct iphdr header;

	if (rest->len < sizeof header)
		return false;
	memcpy(&header, rest->data, sizeof header);
	if (header.version != 4 || header.ihl < 5 || ntohs(header.frag_off) & IP_OFFMASK)
		return false;
	ret->protocol = header.protocol;
	ret->to = (struct netlink_address){ .family = AF_INET, .v4.s_addr = header.daddr };
	return skip(rest, header.ihl * 4U);
}

/* Passes the header of type *type, if it is one in front of others, and says what follows. */
static bool pass_extension(struct rest *rest, uint8_t *type, bool *ret_passed)
{
	const uint8_t *data = rest->data;
	size_t len;

	*ret_passed = true;
	if (*type != IPPROTO_HOPOPTS && *type != IPPROTO_ROUTING && *type != IPPROTO_DSTOPTS &&
		*type != IPPROTO_FRAGMENT && *type != IPV6_AUTHENTICATION) {
		*ret_passed = false;
		return true;
	}
	if (rest->len < 8)
		return false;
	len = (data[1] + 1U) * 8;
	if (*type == IPPROTO_FRAGMENT) {
		if (read_u16(data + 2) & 0xfff8) /* a later one */
			return false;
		len = 8;
	} else if (*type == IPV6_AUTHENTICATION) {
		len = (data[1] + 2U) * 4;
	}
	*type = data[0];
	return skip(rest, len);
}

static bool read_v6(struct rest *rest, struct nflog_packet *ret)
{
	struct ip6_hdr header;
	bool passed = true;

	if (rest->len < sizeof header)
		return false;
	memcpy(&header, rest->data, sizeof header);
	ret->protocol = header.ip6_nxt;
	ret->to = (struct netlink_address){ .family = AF_INET6, .v6 = header.ip6_dst };
	(void)skip(rest, sizeof header); /* it is there */
	for (unsigned i = 0; passed && i < EXTENSIONS_MAX; i++)
		if (!pass_extension(rest, &ret->protocol, &passed))
			return false;
	return true;
}

/* The port, and whether somebody meant to reach it. */
static bool read_transport(const struct rest *rest, struct nflog_packet *ret)
{
	switch (ret->protocol) {
	case IPPROTO_TCP:
		if (rest->len < 14 || (rest->data[13] & (TH_SYN | TH_ACK)) != TH_SYN)
			return false;
		ret->port = read_u16(rest->data + 2);
		return true;
	case IPPROTO_UDP:
		if (rest->len < 4)
			return false;
		ret->port = read_u16(rest->data + 2);
		return true;
	case IPPROTO_ICMPV6:
		return rest->len > 0 && rest->data[0] == ICMP6_ECHO_REQUEST;
	case IPPROTO_IGMP:
		return false;
	default:
		return true;
	}
}

static bool read_packet(struct rest rest, struct nflog_packet *ret)
{
	if (rest.len == 0)
		return false;
	if (rest.data[0] >> 4 == 6 ? !read_v6(&rest, ret) : !read_v4(&rest, ret))
		return false;
	return read_transport(&rest, ret);
}

static void take_message(const struct nlmsghdr *message, nflog_on_packet *call, void *context)
{
	struct nflog_packet packet = { 0 };
	struct rest rest = { 0 };
	const struct nlattr *attribute;

	if (message->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
		message->nlmsg_len < MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct nfgenmsg)))
		return;
	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		const uint16_t type = mnl_attr_get_type(attribute);

		if (type == NFULA_PAYLOAD)
			rest = (struct rest){ mnl_attr_get_payload(attribute),
				mnl_attr_get_payload_len(attribute) };
		else if (type == NFULA_IFINDEX_INDEV &&
			 mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
			packet.in = (int)ntohl(mnl_attr_get_u32(attribute));
	}
	if (read_packet(rest, &packet))
		call(context, &packet);
}

void nflog_take(const void *datagram, size_t len, nflog_on_packet *call, void *context)
{
	const struct nlmsghdr *message = datagram;
	int left = (int)len;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		take_message(message, call, context);
}

void nflog_read(int fd, unsigned max, nflog_on_packet *call, void *context)
{
	_Alignas(struct nlmsghdr) char datagram[8192];

	for (unsigned i = 0; i < max; i++) {
		ssize_t got = recv(fd, datagram, sizeof datagram, MSG_DONTWAIT);

		/* ENOBUFS says once that some were lost. */
		if (got < 0 && errno != EINTR && errno != ENOBUFS)
			return;
		if (got > 0)
			nflog_take(datagram, (size_t)got, call, context);
	}
}
