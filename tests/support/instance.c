/* Processes and namespaces for network tests; see the header. */
#include "instance.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "kernel/netlink.h"
#include "kernel/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PORT = 5000, HOST_LINK = 50, REMOTE_LINK = 51 };

static struct netlink_address parse(const char *text)
{
	struct netlink_address made = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(made.family, text, made.bytes) != 1)
		abort();
	return made;
}

static void add_address(struct netlink_batch *batch, int link, const char *text, unsigned prefix)
{
	struct netlink_address address = parse(text);

	netlink_add_address(batch, link, &address, prefix);
}

static void send_batch(int namespace_fd, struct netlink_batch *batch)
{
	struct error err;
	int fd = netlink_open(namespace_fd, &err);

	if (fd < 0 || netlink_send(fd, batch, &err) < 0)
		fail_msg("%s", err.text);
	netlink_done(batch);
	(void)close(fd);
}

bool instance_enter_host(void)
{
	struct netlink_batch batch = { 0 };

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	netlink_set_up(&batch, 1, NETLINK_PLAIN, false);
	send_batch(-1, &batch);
	return true;
}

void instance_make_remote(struct remote *ret)
{
	struct netlink_batch batch = { 0 };
	struct netlink_end host = {
		.name = "lan", .index = HOST_LINK, .mac = { 2, 9 }, .namespace_fd = -1
	};
	struct netlink_end remote = { .name = "lan", .index = REMOTE_LINK, .mac = { 2, 8 } };
	struct netlink_route back = { .link = REMOTE_LINK };
	struct error err;

	ret->namespace_fd = namespace_new(&err);
	if (ret->namespace_fd < 0)
		fail_msg("%s", err.text);
	remote.namespace_fd = ret->namespace_fd;
	netlink_add_veth(&batch, &host, &remote);
	netlink_set_up(&batch, HOST_LINK, NETLINK_PLAIN, true);
	add_address(&batch, HOST_LINK, "10.99.0.1", 24);
	add_address(&batch, HOST_LINK, "fd99::1", 64);
	send_batch(-1, &batch);
	netlink_set_up(&batch, 1, NETLINK_PLAIN, false);
	netlink_set_up(&batch, REMOTE_LINK, NETLINK_PLAIN, true);
	add_address(&batch, REMOTE_LINK, "10.99.0.2", 24);
	add_address(&batch, REMOTE_LINK, "fd99::2", 64);
	back.gateway = parse("10.99.0.1");
	back.to.family = AF_INET;
	netlink_add_route(&batch, &back);
	back.gateway = parse("fd99::1");
	back.to.family = AF_INET6;
	netlink_add_route(&batch, &back);
	send_batch(ret->namespace_fd, &batch);
}

static void write_setting(const char *path, bool on)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		fail_msg("%s: %s", path, strerror(errno));
	(void)close(fd);
}

void instance_set_forwarding(bool on)
{
	write_setting("/proc/sys/net/ipv4/ip_forward", on);
	write_setting("/proc/sys/net/ipv6/conf/all/forwarding", on);
}

static void keep_notice(void *context, const char *line)
{
	(void)snprintf(context, 160, "%s", line);
}

struct network *instance_make_network(const char *address, char notice[160])
{
	const struct network_port port = { .address = address, .outside = PORT, .inside = PORT };
	const struct network_config config = {
		.ports = &port, .port_count = 1, .notice = keep_notice, .context = notice
	};
	struct network *network = NULL;
	struct error err;

	notice[0] = '\0';
	if (network_new(&config, &network, &err) < 0 || network_start(network, &err) < 0)
		fail_msg("%s", err.text);
	return network;
}

void instance_publish(struct network *network, const unsigned *slots, size_t count)
{
	struct error err;

	if (network_publish(network, 0, slots, count, &err) < 0)
		fail_msg("%s", err.text);
}

static void serve_client(int fd, unsigned slot, const struct sockaddr_in6 *from)
{
	static char chunk[65536];
	char address[INET6_ADDRSTRLEN] = "";
	ssize_t got;

	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr))
		(void)inet_ntop(AF_INET, from->sin6_addr.s6_addr + 12, address, sizeof address);
	else
		(void)inet_ntop(AF_INET6, &from->sin6_addr, address, sizeof address);
	(void)dprintf(fd, "%u %s\n", slot, address);
	while ((got = read(fd, chunk, sizeof chunk)) > 0)
		for (ssize_t put = 0, step; put < got; put += step)
			if ((step = write(fd, chunk + put, (size_t)(got - put))) <= 0)
				_exit(1);
	_exit(0);
}

static void serve(unsigned slot)
{
	struct sockaddr_in6 from, at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	const int on = 1;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)signal(SIGCHLD, SIG_IGN);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (slot >= INSTANCE_V4_ONLY) /* an address of IPv4 within IPv6: 0.0.0.0 */
		at.sin6_addr.s6_addr[10] = at.sin6_addr.s6_addr[11] = 0xff;
	if (bind(fd, (void *)&at, sizeof at) < 0 || listen(fd, 4096) < 0)
		_exit(2);
	for (;;) {
		socklen_t size = sizeof from;
		int client = accept(fd, (void *)&from, &size);

		if (client >= 0 && fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)close(fd);
			serve_client(client, slot, &from);
		}
		(void)close(client);
	}
}

/* As exec would: else this process held ports and namespaces of the test's. */
static void close_inherited(int a, int b)
{
	const int keep[] = { 0, 1, 2, a < b ? a : b, a < b ? b : a };
	struct error err;

	if (process_close_others(keep, sizeof keep / sizeof *keep, &err) < 0)
		_exit(4);
}

void instance_start(struct network *network, unsigned slot, struct instance *ret)
{
	int gate[2], made[2];
	char path[64], byte;
	struct error err;

	if (pipe(gate) < 0 || pipe(made) < 0)
		fail_msg("pipe");
	ret->pid = fork();
	if (ret->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setpgid(0, 0);
		close_inherited(gate[0], made[1]);
		if (unshare(CLONE_NEWNET) < 0 || write(made[1], "", 1) != 1 ||
			read(gate[0], &byte, 1) != 1)
			_exit(3);
		serve(slot);
	}
	assert_int_equal(read(made[0], &byte, 1), 1);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)ret->pid);
	ret->namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ret->namespace_fd >= 0);
	ret->refused = -1;
	if (network ? network_join(network, slot, ret->namespace_fd, &err) < 0
		    : network_join_alone(ret->namespace_fd, &ret->refused, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(write(gate[1], "", 1), 1);
	(void)close(gate[0]), (void)close(gate[1]), (void)close(made[0]), (void)close(made[1]);
	for (int i = 0; i < 500; i++) { /* until it listens */
		int fd = instance_connect(ret->namespace_fd, "127.0.0.1", PORT);

		if (fd >= 0) {
			(void)close(fd);
			return;
		}
		(void)usleep(1000);
	}
	fail_msg("instance %u does not listen", slot);
}

void instance_stop(struct instance *instance)
{
	(void)kill(-instance->pid, SIGKILL);
	(void)waitpid(instance->pid, NULL, 0);
	(void)close(instance->namespace_fd);
	(void)close(instance->refused);
}

int instance_connect(int namespace_fd, const char *address, unsigned short port)
{
	struct netlink_address to = parse(address);
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = to.v4
	};
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = to.v6
	};
	const struct timeval limit = { .tv_sec = 5 };
	bool is_v6 = to.family == AF_INET6;
	struct error err;
	int errnum;
	int fd = namespace_fd < 0 ? socket(to.family, SOCK_STREAM | SOCK_CLOEXEC, 0)
				  : namespace_socket(namespace_fd, to.family, SOCK_STREAM, 0, &err);

	if (fd < 0)
		fail_msg("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, is_v6 ? (const void *)&v6 : (const void *)&v4,
		    is_v6 ? sizeof v6 : sizeof v4) == 0)
		return fd;
	errnum = errno;
	(void)close(fd);
	errno = errnum;
	return -1;
}

void instance_read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
}

const char *instance_ask(
	int namespace_fd, const char *address, unsigned short port, char greeting[80])
{
	int fd = instance_connect(namespace_fd, address, port);

	if (fd < 0) {
		(void)snprintf(greeting, 80, "%s", strerror(errno));
		return greeting;
	}
	instance_read_line(fd, greeting, 80);
	(void)close(fd);
	return greeting;
}
