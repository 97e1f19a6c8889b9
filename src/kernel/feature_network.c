/* Features of the network, tried in a network namespace of the trial's own: the host's interfaces
 * and rules are left alone. Whether it forwards only a connection through it can tell
 * (network/network). */
#include "kernel/feature.h"

#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/nftables.h"
#include "kernel/userns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { LOOPBACK = 1, FULL6 = 128, HTTP = 80 };

/* One rule of each sort that a router's have: state, translation in turn, refusal. */
static void add_rules(struct nftables_batch *batch, const struct netlink_address to[2])
{
	const struct nftables_chain nat = { "in", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST,
		false };
	const struct nftables_chain filter = { "pass", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER,
		true };
	const struct nftables_rule balance = { .chain = "in",
		.family = AF_INET,
		.tcp_port = HTTP,
		.action = NFTABLES_DNAT,
		.to = to,
		.to_count = 2,
		.to_port = HTTP };
	const struct nftables_rule answers = { .chain = "pass",
		.state = NFTABLES_ESTABLISHED | NFTABLES_RELATED,
		.action = NFTABLES_ACCEPT };
	const struct nftables_rule refuse = { .chain = "pass", .action = NFTABLES_REJECT };

	nftables_add_chain(batch, &nat);
	nftables_add_chain(batch, &filter);
	nftables_add_rule(batch, &balance);
	nftables_add_rule(batch, &answers);
	nftables_add_rule(batch, &refuse);
}

enum trial_result feature_nftables(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_NFTABLES struct nftables_batch batch = { 0 };
	CLEANUP_CLOSE int fd = -1;
	const struct netlink_address to[2] = {
		{ .family = AF_INET, .v4.s_addr = htonl(0xc6120002) }, /* 198.18.0.2 */
		{ .family = AF_INET, .v4.s_addr = htonl(0xc6120003) },
	};

	(void)context;
	(void)found;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	fd = nftables_open(-1, err);
	if (fd < 0)
		return TRIAL_FAILED;
	nftables_begin(&batch, "isorun-doctor");
	nftables_add_table(&batch, true);
	add_rules(&batch, to);
	if (nftables_send(fd, &batch, err) == 0)
		return TRIAL_DONE;
	error_hint(err, "sudo modprobe -a nf_tables nft_chain_nat nft_ct nft_numgen nft_nat "
			"nft_reject_inet");
	return TRIAL_FAILED;
}

enum trial_result feature_veth(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	CLEANUP_CLOSE int fd = -1;
	const struct netlink_end a = {
		.name = "a", .namespace_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 }
	};
	const struct netlink_end b = {
		.name = "b", .namespace_fd = -1, .mac = { 2, 0, 0, 0, 0, 2 }
	};

	(void)context;
	(void)found;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	fd = netlink_open(-1, err);
	if (fd < 0)
		return TRIAL_FAILED;
	netlink_add_veth(&batch, &a, &b);
	if (netlink_send(fd, &batch, err) == 0)
		return TRIAL_DONE;
	error_hint(err, "sudo modprobe veth");
	return TRIAL_FAILED;
}

enum trial_result feature_ipv6(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_NETLINK struct netlink_batch batch = { 0 };
	CLEANUP_CLOSE int fd = -1, socket_fd = -1;
	struct netlink_address some = { .family = AF_INET6 };

	(void)context;
	(void)found;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	some.v6.s6_addr[0] = 0xfd;
	some.v6.s6_addr[FULL6 / 8 - 1] = 1;
	socket_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0) {
		error_errno(err, "socket");
	} else if ((fd = netlink_open(-1, err)) >= 0) {
		netlink_set_up(&batch, LOOPBACK, NETLINK_PLAIN, true);
		netlink_add_address(&batch, LOOPBACK, &some, FULL6);
		if (netlink_send(fd, &batch, err) == 0)
			return TRIAL_DONE;
	}
	error_hint(err, "boot without ipv6.disable=1");
	return TRIAL_FAILED;
}

/* Only bound, never listening: nobody can connect, and who has the port already keeps it. The
 * kernel asks for the right to it first. */
enum trial_result feature_ports(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_port = htons(HTTP),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	(void)context;
	(void)found;
	if (fd < 0)
		return (enum trial_result)error_errno(err, "socket");
	if (bind(fd, (const void *)&name, sizeof name) == 0 || errno == EADDRINUSE)
		return TRIAL_DONE;
	error_errno(err, "port %d", HTTP);
	error_hint(err, "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", HTTP);
	return TRIAL_IN_PART;
}
