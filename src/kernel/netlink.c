/* rtnetlink messages. A batch is one buffer of messages back to back: the kernel walks through it
 * within sendmsg(2), so that a dozen settings cost one system call and all answers are there when
 * it returns: nothing for what succeeded, an error for what did not.
 *
 * Deliberately absent: dumps and caches. What isorun made it knows, and of the host it asks one
 * question only, whether an address is routed. */
#include "kernel/netlink.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	MESSAGE_MAX = 1024, /* more than any message below */
	FEW_BITS = 4,       /* a prefix this short stands for "everything" (VPNs use /1) */
	QUEUE = 100,        /* packets; any but a new link's own 1000 */
	RULE_PRIORITY = 10 /* before the table "local", which is 0 unless it was moved: see below */
};

int netlink_open(int namespace_fd, struct error *err)
{
	const int on = 1;
	int fd;

	if (namespace_fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	else
		fd = namespace_socket(namespace_fd, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, err);
	if (fd < 0)
		return namespace_fd < 0 ? error_errno(err, "rtnetlink") : -1;
	/* Without it an error would carry the whole message back. Older kernels answer longer. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return fd;
}

static unsigned address_size(const struct netlink_address *address)
{
	return address->family == AF_INET6 ? 16 : 4;
}

static struct nlmsghdr *begin(
	struct netlink_batch *batch, uint16_t type, uint16_t flags, const char *what)
{
	struct nlmsghdr *message;

	if (batch->count == sizeof batch->what / sizeof *batch->what)
		abort(); /* batches are written out in the code: none is that long */
	buf_reserve(&batch->messages, MESSAGE_MAX);
	message = mnl_nlmsg_put_header(batch->messages.data + batch->messages.len);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = batch->count;
	batch->what[batch->count++] = what;
	return message;
}

static void end(struct netlink_batch *batch, const struct nlmsghdr *message)
{
	batch->messages.len += MNL_ALIGN(message->nlmsg_len);
}

static void put_address(
	struct nlmsghdr *message, uint16_t type, const struct netlink_address *address)
{
	if (address->family)
		mnl_attr_put(message, type, address_size(address), address->bytes);
}

static void put_end(struct nlmsghdr *message, const struct netlink_end *at)
{
	mnl_attr_put_strz(message, IFLA_IFNAME, at->name);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof at->mac, at->mac);
	if (at->namespace_fd >= 0)
		mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)at->namespace_fd);
}

void netlink_add_veth(
	struct netlink_batch *batch, const struct netlink_end *a, const struct netlink_end *b)
{
	struct nlmsghdr *message = begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, a->name);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof *link);
	struct nlattr *info, *data, *peer;

	link->ifi_index = a->index;
	put_end(message, a);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_str(message, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
	link = mnl_nlmsg_put_extra_header(message, sizeof *link);
	link->ifi_index = b->index;
	put_end(message, b);
	mnl_attr_nest_end(message, peer);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	end(batch, message);
}

void netlink_set_up(struct netlink_batch *batch, int link, enum netlink_gate gate, bool ipv6)
{
	static const uint16_t settings[] = {
		[NETLINK_FORWARD] = IPV4_DEVCONF_FORWARDING,
		[NETLINK_LOCALNET] = IPV4_DEVCONF_ROUTE_LOCALNET,
	};
	struct nlmsghdr *message = begin(batch, RTM_NEWLINK, 0, "link up");
	struct ifinfomsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);
	struct nlattr *spec, *family, *values;

	body->ifi_index = link;
	body->ifi_flags = IFF_UP;
	body->ifi_change = IFF_UP;
	if (gate == NETLINK_PLAIN && !ipv6)
		return end(batch, message);
	spec = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	if (gate != NETLINK_PLAIN) {
		family = mnl_attr_nest_start(message, AF_INET);
		values = mnl_attr_nest_start(message, IFLA_INET_CONF);
		mnl_attr_put_u32(message, settings[gate], 1);
		mnl_attr_nest_end(message, values);
		mnl_attr_nest_end(message, family);
	}
	if (ipv6) {
		family = mnl_attr_nest_start(message, AF_INET6);
		mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
		mnl_attr_nest_end(message, family);
	}
	mnl_attr_nest_end(message, spec);
	end(batch, message);
}

/* A link gets its carrier when its other end comes up, but drops what it sends until the kernel's
 * link watch has run, which on a busy machine is late enough to cost a client a second, that of
 * TCP's first retransmission. A changed length of its queue, which veth does not use, makes the
 * kernel set up sending anew, now. */
void netlink_settle(struct netlink_batch *batch, int link)
{
	struct nlmsghdr *message = begin(batch, RTM_NEWLINK, 0, "link");
	struct ifinfomsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	body->ifi_index = link;
	mnl_attr_put_u32(message, IFLA_TXQLEN, QUEUE);
	end(batch, message);
}

/* A new IPv6 address, even without duplicate detection, is made the namespace's own in a work queue
 * that needs the lock of all of rtnetlink: what arrives before is lost. So it gets the route which
 * that will make, now, and with a metric behind it. */
void netlink_add_address(struct netlink_batch *batch, int link,
	const struct netlink_address *address, unsigned prefix)
{
	const struct netlink_route own = {
		.to = *address, .prefix = 128, .link = link, .table = RT_TABLE_LOCAL, .local = true
	};
	struct nlmsghdr *message =
		begin(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, "address");
	struct ifaddrmsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	body->ifa_family = (uint8_t)address->family;
	body->ifa_prefixlen = (uint8_t)prefix;
	body->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	body->ifa_index = (unsigned)link;
	put_address(message, IFA_LOCAL, address);
	put_address(message, IFA_ADDRESS, address);
	end(batch, message);
	if (address->family == AF_INET6)
		netlink_add_route(batch, &own);
}

void netlink_add_neighbour(struct netlink_batch *batch, int link,
	const struct netlink_address *address, const uint8_t mac[6])
{
	struct nlmsghdr *message =
		begin(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, "neighbour");
	struct ndmsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	body->ndm_family = (uint8_t)address->family;
	body->ndm_ifindex = link;
	body->ndm_state = NUD_PERMANENT;
	put_address(message, NDA_DST, address);
	mnl_attr_put(message, NDA_LLADDR, 6, mac);
	end(batch, message);
}

/* A host may have chosen its control of congestion for the Internet: BBR paces what it sends by a
 * timer, which makes a pair of virtual interfaces a third slower. Every kernel has Reno. */
static void put_near(struct nlmsghdr *message)
{
	struct nlattr *metrics = mnl_attr_nest_start(message, RTA_METRICS);

	mnl_attr_put_strz(message, RTAX_CC_ALGO, "reno");
	mnl_attr_nest_end(message, metrics);
}

void netlink_add_route(struct netlink_batch *batch, const struct netlink_route *route)
{
	struct nlmsghdr *message =
		begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "route");
	struct rtmsg *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	body->rtm_family = (uint8_t)route->to.family;
	body->rtm_dst_len = (uint8_t)route->prefix;
	body->rtm_protocol = RTPROT_STATIC;
	body->rtm_type = route->local ? RTN_LOCAL : RTN_UNICAST;
	body->rtm_scope = RT_SCOPE_UNIVERSE;
	if (route->local)
		body->rtm_scope = RT_SCOPE_HOST;
	else if (!route->gateway.family)
		body->rtm_scope = RT_SCOPE_LINK;
	else
		body->rtm_flags = RTNH_F_ONLINK;
	mnl_attr_put_u32(message, RTA_TABLE, route->table ? route->table : RT_TABLE_MAIN);
	mnl_attr_put_u32(message, RTA_OIF, (uint32_t)route->link);
	if (route->prefix)
		put_address(message, RTA_DST, &route->to);
	put_address(message, RTA_GATEWAY, &route->gateway);
	put_address(message, RTA_PREFSRC, &route->source);
	if (route->is_near)
		put_near(message);
	end(batch, message);
}

void netlink_add_rule(struct netlink_batch *batch, int family, uint32_t mark, unsigned table)
{
	struct nlmsghdr *message = begin(batch, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, "rule");
	struct fib_rule_hdr *body = mnl_nlmsg_put_extra_header(message, sizeof *body);

	body->family = (uint8_t)family;
	body->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_TABLE, table);
	mnl_attr_put_u32(message, FRA_PRIORITY, RULE_PRIORITY);
	mnl_attr_put_u32(message, FRA_FWMARK, mark);
	end(batch, message);
}

int netlink_read_answers(int fd, struct nlmsgerr *ret)
{
	char answers[16384];
	int result = 0;

	for (;;) {
		ssize_t got = recv(fd, answers, sizeof answers, MSG_DONTWAIT);
		const struct nlmsghdr *answer = (const void *)answers;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? result : -1;
		for (; mnl_nlmsg_ok(answer, left); answer = mnl_nlmsg_next(answer, &left)) {
			const struct nlmsgerr *report = mnl_nlmsg_get_payload(answer);

			if (answer->nlmsg_type != NLMSG_ERROR || !report->error || result)
				continue;
			*ret = *report;
			result = 1;
		}
	}
}

static int check_answers(int fd, const struct netlink_batch *batch, struct error *err)
{
	struct nlmsgerr failure;
	int failed = netlink_read_answers(fd, &failure);
	bool known = failed > 0 && failure.msg.nlmsg_seq < batch->count;

	if (failed == 0)
		return 0;
	if (failed > 0)
		errno = -failure.error;
	error_errno(err, "%s", known ? batch->what[failure.msg.nlmsg_seq] : "rtnetlink");
	if (err->errnum == EOPNOTSUPP)
		err->kind = ERROR_UNSUPPORTED;
	return -1;
}

int netlink_send(int fd, struct netlink_batch *batch, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int result = 0;

	if (!batch->count)
		return 0;
	if (sendto(fd, batch->messages.data, batch->messages.len, 0, (const void *)&kernel,
		    sizeof kernel) < 0)
		result = error_errno(err, "rtnetlink");
	else
		result = check_answers(fd, batch, err);
	batch->messages.len = 0;
	batch->count = 0;
	return result;
}

void netlink_done(struct netlink_batch *batch)
{
	buf_done(&batch->messages);
}

static enum netlink_way describe(const struct nlmsghdr *answer)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(answer);

	/* An error says that nothing leads there, or that what does is a prohibition. */
	if (answer->nlmsg_type != RTM_NEWROUTE)
		return NETLINK_NOWHERE;
	if (route->rtm_type == RTN_LOCAL)
		return NETLINK_LOCAL;
	return route->rtm_dst_len < FEW_BITS ? NETLINK_DEFAULT : NETLINK_ROUTED;
}

int netlink_look_up(
	int fd, const struct netlink_address *address, enum netlink_way *ret, struct error *err)
{
	char text[8192];
	struct nlmsghdr *message = mnl_nlmsg_put_header(text);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof *route);
	ssize_t got;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	route->rtm_family = (uint8_t)address->family;
	route->rtm_dst_len = (uint8_t)(address_size(address) * 8);
	route->rtm_flags = RTM_F_FIB_MATCH;
	put_address(message, RTA_DST, address);
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return error_errno(err, "look up a route");
	got = recv(fd, text, sizeof text, MSG_DONTWAIT);
	if (got < (ssize_t)sizeof *message)
		return error_errno(err, "look up a route");
	*ret = describe(message);
	return 0;
}
