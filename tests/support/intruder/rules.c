/* What a process might try to change where it may connect to: every kind of socket that speaks with
 * the kernel's network, every message and request that changes something there, other namespaces,
 * settings and devices. What is refused is counted, what is not is printed. */
#include "rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

enum { NETLINK_PROTOCOLS = 32, FAMILIES = 64, IPT_REPLACE = 64, EBT_ENTRIES = 128 };

struct tries {
	unsigned refused;
};

static void note(struct tries *tries, const char *what, int number, long result)
{
	if (result < 0)
		tries->refused++;
	else if (number >= 0)
		printf("%s %d: done\n", what, number);
	else
		printf("%s: done\n", what);
}

/* Sockets. */

static void try_sockets(struct tries *tries)
{
	static const int types[] = { SOCK_RAW, SOCK_PACKET, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP };

	for (int protocol = 1; protocol < NETLINK_PROTOCOLS; protocol++) {
		note(tries, "netlink", protocol, socket(AF_NETLINK, SOCK_RAW, protocol));
		note(tries, "netlink datagrams", protocol,
			socket(AF_NETLINK, SOCK_DGRAM, protocol));
	}
	for (int family = 0; family < FAMILIES; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
			family == AF_NETLINK)
			continue;
		note(tries, "family", family, socket(family, SOCK_DGRAM, 0));
		note(tries, "family raw", family, socket(family, SOCK_RAW, 0));
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		note(tries, "type", types[i], socket(AF_INET, types[i], IPPROTO_RAW));
		note(tries, "type of IPv6", types[i], socket(AF_INET6, types[i], IPPROTO_ICMPV6));
	}
	note(tries, "ping", -1, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	note(tries, "ping of IPv6", -1, socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
}

/* Options. Packets with a mark would be led or accepted by the rules. */
static void try_options(struct tries *tries)
{
	static const struct {
		const char *name;
		int family, level, option, value;
	} options[] = {
		{ "mark", AF_INET, SOL_SOCKET, SO_MARK, 1 },
		{ "mark of egress", AF_INET, SOL_SOCKET, SO_MARK, 2 },
		{ "mark of IPv6", AF_INET6, SOL_SOCKET, SO_MARK, 2 },
		{ "receive buffer", AF_INET, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 30 },
		{ "priority", AF_INET, SOL_SOCKET, SO_PRIORITY, 7 },
		{ "transparent", AF_INET, SOL_IP, IP_TRANSPARENT, 1 },
		{ "transparent IPv6", AF_INET6, SOL_IPV6, 75, 1 },
		{ "own headers", AF_INET, SOL_IP, IP_HDRINCL, 1 },
		{ "iptables", AF_INET, SOL_IP, IPT_REPLACE, 0 },
		{ "ip6tables", AF_INET6, SOL_IPV6, IPT_REPLACE, 0 },
		{ "arptables", AF_INET, SOL_IP, 96, 0 },
		{ "ebtables", AF_INET, SOL_IP, EBT_ENTRIES, 0 },
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		int fd = socket(options[i].family, SOCK_DGRAM, 0);

		note(tries, options[i].name, -1,
			setsockopt(fd, options[i].level, options[i].option, &options[i].value,
				sizeof options[i].value));
		close(fd);
	}
}

/* rtnetlink, the one netlink that there is. */

struct request {
	struct nlmsghdr header;
	char body[256];
};

static void *begin(struct request *request, int type, int flags, size_t size)
{
	memset(request, 0, sizeof *request);
	request->header.nlmsg_type = (uint16_t)type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	return NLMSG_DATA(&request->header);
}

static void add(struct request *request, int type, const void *data, size_t size)
{
	struct rtattr *at = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	at->rta_type = (uint16_t)type;
	at->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(at), data, size);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(at->rta_len);
}

static void ask(struct tries *tries, const char *what, int number, const struct request *request)
{
	const struct timeval limit = { .tv_sec = 2 };
	char answer[4096];
	const struct nlmsghdr *header = (void *)answer;
	const struct nlmsgerr *report = NLMSG_DATA(header);
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	long result = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (fd >= 0 && send(fd, request, request->header.nlmsg_len, 0) >= 0 &&
		recv(fd, answer, sizeof answer, 0) >= (ssize_t)sizeof *header &&
		(header->nlmsg_type != NLMSG_ERROR || report->error == 0))
		result = 0;
	note(tries, what, number, result);
	close(fd);
}

static void try_links(struct tries *tries, unsigned eth0)
{
	struct request request;
	struct ifinfomsg *link = begin(&request, RTM_NEWLINK, 0, sizeof *link);
	const unsigned own = (unsigned)getpid();

	link->ifi_index = (int)eth0;
	link->ifi_change = IFF_UP;
	ask(tries, "eth0 down", -1, &request);
	add(&request, IFLA_NET_NS_PID, &own, sizeof own);
	ask(tries, "eth0 to another namespace", -1, &request);
	link = begin(&request, RTM_NEWLINK, 0, sizeof *link);
	link->ifi_index = 1;
	add(&request, IFLA_IFNAME, "eth9", 5);
	ask(tries, "rename lo", -1, &request);
	link = begin(&request, RTM_DELLINK, 0, sizeof *link);
	link->ifi_index = (int)eth0;
	ask(tries, "remove eth0", -1, &request);
	link = begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
	add(&request, IFLA_IFNAME, "dummy9", 7);
	ask(tries, "make a link", -1, &request);
}

static void try_routes(struct tries *tries, unsigned eth0)
{
	static const int types[] = { RTM_NEWROUTE, RTM_DELROUTE };
	const struct in_addr to = { htonl(0xc6120009) };
	const int loopback = 1;

	for (size_t i = 0; i < 2; i++) {
		struct request request;
		struct rtmsg *route = begin(&request, types[i], NLM_F_CREATE, sizeof *route);
		struct ifaddrmsg *address;
		struct fib_rule_hdr *rule;
		struct ndmsg *neighbour;

		*route = (struct rtmsg){ .rtm_family = AF_INET,
			.rtm_table = RT_TABLE_MAIN,
			.rtm_protocol = RTPROT_STATIC,
			.rtm_type = RTN_UNICAST };
		add(&request, RTA_OIF, &eth0, sizeof eth0);
		ask(tries, "default route", types[i], &request);
		route->rtm_dst_len = 32;
		route->rtm_type = RTN_LOCAL;
		add(&request, RTA_DST, &to, sizeof to);
		add(&request, RTA_OIF, &loopback, sizeof loopback);
		ask(tries, "local route", types[i], &request);

		address = begin(
			&request, i ? RTM_DELADDR : RTM_NEWADDR, NLM_F_CREATE, sizeof *address);
		*address = (struct ifaddrmsg){
			.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = i ? eth0 : 1
		};
		add(&request, IFA_LOCAL, &to, sizeof to);
		ask(tries, "address", (int)i, &request);

		rule = begin(&request, i ? RTM_DELRULE : RTM_NEWRULE, NLM_F_CREATE, sizeof *rule);
		*rule = (struct fib_rule_hdr){
			.family = AF_INET, .table = 101, .action = FR_ACT_TO_TBL
		};
		ask(tries, "rule", (int)i, &request);

		neighbour = begin(
			&request, i ? RTM_DELNEIGH : RTM_NEWNEIGH, NLM_F_CREATE, sizeof *neighbour);
		*neighbour = (struct ndmsg){
			.ndm_family = AF_INET, .ndm_ifindex = (int)eth0, .ndm_state = NUD_PERMANENT
		};
		add(&request, NDA_DST, &to, sizeof to);
		add(&request, NDA_LLADDR, "\2\2\2\2\2\2", 6);
		ask(tries, "neighbour", (int)i, &request);
	}
}

/* Every other message that is not a question: without a body that makes sense, but the right to
 * send it is asked for first. */
static void try_messages(struct tries *tries)
{
	for (int type = RTM_BASE; type <= RTM_MAX; type++) {
		struct request request;

		if (type % 4 == 2)
			continue; /* RTM_GET… */
		(void)begin(&request, type, NLM_F_CREATE, 64);
		ask(tries, "message", type, &request);
	}
}

/* Requests of ioctl(2), with an argument that would do something. */
static void try_requests(struct tries *tries)
{
	static const unsigned long requests[] = { SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFBRDADDR,
		SIOCSIFNETMASK, SIOCSIFFLAGS, SIOCSIFMETRIC, SIOCSIFMTU, SIOCSIFHWADDR,
		SIOCSIFHWBROADCAST, SIOCSIFTXQLEN, SIOCSIFNAME, SIOCSIFMAP, SIOCSIFENCAP,
		SIOCSIFSLAVE, SIOCSIFPFLAGS, SIOCSIFLINK, SIOCADDRT, SIOCDELRT, SIOCSARP, SIOCDARP,
		SIOCDIFADDR, SIOCADDMULTI, SIOCDELMULTI, SIOCBRADDBR, SIOCBRDELBR, SIOCBRADDIF,
		SIOCBRDELIF, SIOCBONDENSLAVE, SIOCETHTOOL, SIOCSMIIREG, SIOCGMIIPHY, SIOCDEVPRIVATE,
		SIOCDEVPRIVATE + 1, SIOCDEVPRIVATE + 2, SIOCDEVPRIVATE + 3, SIOCADDDLCI,
		SIOCDELDLCI, SIOCGSKNS };
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < 2 * sizeof requests / sizeof *requests; i++) {
		struct ifreq request = { .ifr_name = "eth0" };
		struct sockaddr_in *address = (void *)&request.ifr_addr;
		int fd = socket(families[i % 2], SOCK_DGRAM, 0);

		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(0xc6120009);
		note(tries, "request", (int)requests[i / 2], ioctl(fd, requests[i / 2], &request));
		close(fd);
	}
}

/* Other namespaces, programs in the kernel, devices. */
static void try_elsewhere(struct tries *tries)
{
	static const char *const namespaces[] = { "/proc/1/ns/net", "/proc/1/ns/user",
		"/proc/self/ns/net", "/proc/self/ns/user", "/proc/thread-self/ns/net" };
	static const char *const devices[] = { "/dev/net/tun", "/dev/tun", "/dev/vhost-net",
		"/dev/ppp", "/dev/kvm" };
	char zero[128] = { 0 };

	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
		int fd = open(namespaces[i], O_RDONLY | O_CLOEXEC);

		note(tries, "namespace", (int)i, fd < 0 ? -1 : setns(fd, 0));
		close(fd);
	}
	note(tries, "new network", -1, unshare(CLONE_NEWNET));
	note(tries, "new user and network", -1, unshare(CLONE_NEWUSER | CLONE_NEWNET));
	note(tries, "clone of both", -1,
		syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | 17, 0, 0, 0, 0));
	note(tries, "clone3", -1, syscall(SYS_clone3, zero, 88));
	note(tries, "bpf", -1, syscall(SYS_bpf, 5, zero, sizeof zero));
	note(tries, "io_uring", -1, syscall(SYS_io_uring_setup, 8, zero));
	note(tries, "perf", -1, syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
	note(tries, "module", -1, syscall(SYS_init_module, zero, sizeof zero, ""));
	note(tries, "a descriptor of pid 1", -1, syscall(SYS_pidfd_getfd, 0, 0, 0));
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		note(tries, devices[i], -1, open(devices[i], O_RDWR));
	note(tries, "make /tmp/tun", -1, mknod("/tmp/tun", S_IFCHR | 0666, makedev(10, 200)));
}

static void try_settings(struct tries *tries)
{
	static const char *const settings[] = { "net/ipv4/ip_forward", "net/ipv4/ping_group_range",
		"net/ipv4/ip_unprivileged_port_start", "net/ipv4/ip_nonlocal_bind",
		"net/ipv4/conf/all/route_localnet", "net/ipv4/conf/eth0/route_localnet",
		"net/ipv4/conf/all/rp_filter", "net/ipv4/conf/eth0/forwarding",
		"net/ipv6/conf/all/forwarding", "net/ipv6/conf/all/disable_ipv6",
		"net/ipv6/ip_nonlocal_bind", "net/netfilter/nf_log_all_netns",
		"net/netfilter/nf_log/2", "net/netfilter/nf_conntrack_max", "net/core/rmem_max",
		"kernel/modprobe", "kernel/unprivileged_bpf_disabled", "user/max_user_namespaces" };

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		char path[128];

		snprintf(path, sizeof path, "/proc/sys/%s", settings[i]);
		note(tries, settings[i], -1, open(path, O_WRONLY | O_CLOEXEC));
	}
}

int try_rules(char **args)
{
	struct tries tries = { 0 };
	const unsigned eth0 = if_nametoindex("eth0");

	(void)args;
	try_sockets(&tries);
	try_options(&tries);
	try_links(&tries, eth0);
	try_routes(&tries, eth0);
	try_messages(&tries);
	try_requests(&tries);
	try_elsewhere(&tries);
	try_settings(&tries);
	printf("%u refused\n", tries.refused);
	return 0;
}
