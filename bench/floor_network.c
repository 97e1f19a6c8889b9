/* The network of the floor: hand-written rtnetlink, one request at a time, no library. */
#include "floor_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUTSIDE "floor0"
#define INSIDE  "eth0"

struct request {
	struct nlmsghdr head;
	char body[1024];
};

static void begin(struct request *request, int type, int flags, const void *payload, size_t size)
{
	*request = (struct request){
		.head.nlmsg_len = (unsigned)NLMSG_LENGTH(size),
		.head.nlmsg_type = (unsigned short)type,
		.head.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags),
	};
	memcpy(request->body, payload, size);
}

static struct rtattr *add(struct request *request, int type, const void *data, size_t size)
{
	char *start = (char *)request + NLMSG_ALIGN(request->head.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(void *)start;

	attribute->rta_type = (unsigned short)type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
	request->head.nlmsg_len =
		(unsigned)(NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
	return attribute;
}

/* Closes a nest: everything added since it was opened is inside. */
static void nest_end(const struct request *request, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((const char *)request + request->head.nlmsg_len -
					 (const char *)nest);
}

static void ask(int fd, const struct request *request, const char *what)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[2048];
	} answer;

	if (send(fd, request, request->head.nlmsg_len, 0) < 0 ||
		recv(fd, &answer, sizeof answer, 0) < 0) {
		perror(what);
		_exit(100);
	}
	if (answer.head.nlmsg_type == NLMSG_ERROR && answer.error.error) {
		errno = -answer.error.error;
		perror(what);
		_exit(100);
	}
}

static void set_up(int fd, const char *name)
{
	const struct ifinfomsg link = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};
	struct request request;

	begin(&request, RTM_NEWLINK, 0, &link, sizeof link);
	ask(fd, &request, name);
}

static void set_address(int fd, const char *name, const char *text)
{
	const struct ifaddrmsg address = {
		.ifa_family = AF_INET, .ifa_prefixlen = 30, .ifa_index = if_nametoindex(name)
	};
	struct request request;
	struct in_addr value;

	(void)inet_pton(AF_INET, text, &value);
	begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &address, sizeof address);
	add(&request, IFA_LOCAL, &value, sizeof value);
	ask(fd, &request, "address");
}

static void make_pair(int fd, pid_t peer)
{
	const struct ifinfomsg link = { 0 };
	struct rtattr *info, *data, *other;
	struct request request;

	begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	add(&request, IFLA_IFNAME, OUTSIDE, sizeof OUTSIDE);
	info = add(&request, IFLA_LINKINFO, NULL, 0);
	add(&request, IFLA_INFO_KIND, "veth", 5);
	data = add(&request, IFLA_INFO_DATA, NULL, 0);
	other = add(&request, VETH_INFO_PEER, &link, sizeof link);
	add(&request, IFLA_IFNAME, INSIDE, sizeof INSIDE);
	add(&request, IFLA_NET_NS_PID, &peer, sizeof peer);
	nest_end(&request, other);
	nest_end(&request, data);
	nest_end(&request, info);
	ask(fd, &request, "veth");
}

static int open_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0) {
		perror("netlink");
		_exit(100);
	}
	return fd;
}

void floor_network_outside(pid_t peer)
{
	int fd = open_socket();

	make_pair(fd, peer);
	set_up(fd, OUTSIDE);
	set_address(fd, OUTSIDE, "100.127.255.1");
	(void)close(fd);
}

void floor_network_inside(void)
{
	const struct rtmsg route = { .rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_type = RTN_UNICAST };
	int fd = open_socket();
	struct request request;
	struct in_addr gateway;

	set_up(fd, "lo");
	set_up(fd, INSIDE);
	set_address(fd, INSIDE, "100.127.255.2");
	(void)inet_pton(AF_INET, "100.127.255.1", &gateway);
	begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	add(&request, RTA_GATEWAY, &gateway, sizeof gateway);
	ask(fd, &request, "route");
	(void)close(fd);
}

void floor_network_wait(void)
{
	while (if_nametoindex(OUTSIDE))
		(void)usleep(500);
}
