/* What an instance can reach, which is nothing; and what isorun leaves behind, which is as much. */
#include "../support/instance.h"

#include "base/clock.h"
#include "kernel/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PORT = 5000, SERVICE = 7000 };

static const unsigned all[] = { 0, 1 };

struct world {
	struct remote remote;
	int services[2]; /* listen on every address of the host and of the remote machine */
};

static int listen_everywhere(int namespace_fd, unsigned short port)
{
	const struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct error err;
	int fd = namespace_socket(namespace_fd, AF_INET6, SOCK_STREAM, 0, &err);

	if (fd < 0 || bind(fd, (const void *)&at, sizeof at) < 0 || listen(fd, 100) < 0)
		fail_msg("listen: %s", strerror(errno));
	return fd;
}

/* The name of a router's interface on the host, "" if there is none. */
static void find_uplink(char name[IF_NAMESIZE])
{
	struct if_nameindex *links = if_nameindex();

	name[0] = '\0';
	for (struct if_nameindex *link = links; link && link->if_index; link++)
		if (strncmp(link->if_name, "iso-", 4) == 0)
			(void)snprintf(name, IF_NAMESIZE, "%s", link->if_name);
	if_freenameindex(links);
}

/* A dead namespace's interfaces go when the kernel gets round to it. */
static void expect_uplinks_to_go(void)
{
	char name[IF_NAMESIZE];

	find_uplink(name);
	for (int i = 0; name[0] && i < 500; i++) {
		(void)usleep(10000);
		find_uplink(name);
	}
	assert_string_equal(name, "");
}

/* Address number which (1: host, 2: router) of the /30 that the interface's name says. */
static void uplink_address(unsigned which, char text[INET_ADDRSTRLEN])
{
	char name[IF_NAMESIZE];
	struct in_addr address;

	find_uplink(name);
	address.s_addr = htonl((uint32_t)strtoul(name + 4, NULL, 16) + which);
	(void)inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static void expect_refused(int namespace_fd, const char *address, unsigned short port)
{
	const uint64_t began = clock_now();
	int fd = instance_connect(namespace_fd, address, port);

	if (fd >= 0 || errno != ECONNREFUSED)
		fail_msg("%s:%u: %s", address, port, fd < 0 ? strerror(errno) : "connected");
	assert_true(clock_now() - began < 900); /* told, not left to a retransmission */
}

static void expect_nothing_reachable(int namespace_fd)
{
	static const char *const addresses[] = { "10.99.0.1", "10.99.0.2", "198.18.0.1",
		"203.0.113.9", "fd99::1", "fd99::2", "fd69:736f:7275:6e00::1", "2001:db8::9" };

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		expect_refused(namespace_fd, addresses[i], SERVICE);
}

static void expect_datagram_refused(int namespace_fd)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(53),
		.sin_addr.s_addr = inet_addr("10.99.0.2") };
	struct error err;
	int fd = namespace_socket(namespace_fd, AF_INET, SOCK_DGRAM, 0, &err);
	struct pollfd poll_it = { .fd = fd, .events = POLLIN };
	char byte;

	assert_int_equal(connect(fd, (const void *)&to, sizeof to), 0);
	if (send(fd, "x", 1, 0) == 1) { /* a router's answer may come later */
		assert_int_equal(poll(&poll_it, 1, 2000), 1);
		assert_int_equal(recv(fd, &byte, 1, 0), -1);
	}
	assert_true(errno == ECONNREFUSED || errno == EPERM);
	(void)close(fd);
}

/* Connects to address by force of SO_BINDTODEVICE; nobody must answer. */
static void expect_no_way_by_device(int namespace_fd, const char *address)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(SERVICE),
		.sin_addr.s_addr = inet_addr(address) };
	struct error err;
	int fd = namespace_socket(namespace_fd, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, &err);
	struct pollfd poll_it = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof error;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), 0);
	if (connect(fd, (const void *)&to, sizeof to) < 0 && errno == EINPROGRESS &&
		poll(&poll_it, 1, 300) == 1) {
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
		assert_int_not_equal(error, 0);
	}
	(void)close(fd);
}

static void an_instance_reaches_nothing(void **state)
{
	struct world *world = *state;
	char notice[160], text[INET_ADDRSTRLEN];
	struct network *network;
	struct instance web[2];

	instance_set_forwarding(true);
	network = instance_make_network("*", notice);
	instance_start(network, 0, &web[0]);
	instance_start(network, 1, &web[1]);
	instance_publish(network, all, 2);

	expect_nothing_reachable(web[0].namespace_fd);
	expect_refused(web[0].namespace_fd, "198.18.0.3", PORT);
	expect_refused(web[0].namespace_fd, "fd69:736f:7275:6e00::3", PORT);
	expect_refused(web[0].namespace_fd, "10.99.0.1", PORT);
	uplink_address(1, text);
	expect_refused(web[0].namespace_fd, text, SERVICE);
	uplink_address(2, text);
	expect_refused(web[0].namespace_fd, text, 20000);
	expect_datagram_refused(web[0].namespace_fd);
	expect_no_way_by_device(web[0].namespace_fd, "127.0.0.1");
	expect_no_way_by_device(web[0].namespace_fd, "198.18.0.3");
	expect_no_way_by_device(web[0].namespace_fd, text);

	(void)world;
	instance_stop(&web[0]);
	instance_stop(&web[1]);
	network_free(network);
}

static void the_router_is_reached_through_published_ports_only(void **state)
{
	struct world *world = *state;
	char notice[160], text[INET_ADDRSTRLEN];
	struct network *network;
	struct instance web;
	int fd;

	instance_set_forwarding(true);
	network = instance_make_network("127.0.0.1", notice);
	instance_start(network, 0, &web);
	instance_publish(network, all, 1);
	uplink_address(2, text);

	fd = namespace_socket(world->remote.namespace_fd, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0,
		&(struct error){ 0 });
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(20000), .sin_addr.s_addr = inet_addr(text)
	};
	struct pollfd poll_it = { .fd = fd, .events = POLLOUT };

	assert_int_equal(connect(fd, (const void *)&to, sizeof to), -1);
	assert_int_equal(poll(&poll_it, 1, 300), 0); /* the remote machine gets no answer at all */
	(void)close(fd);

	/* A program on this host, to which the port is published, takes the same way as all. */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (const void *)&to, sizeof to), -1);
	assert_int_equal(errno, ECONNREFUSED);
	(void)close(fd);
	fd = instance_connect(-1, "127.0.0.1", 5000);
	assert_true(fd >= 0);
	(void)close(fd);
	instance_stop(&web);
	network_free(network);
}

static void a_one_off_reaches_nothing(void **state)
{
	struct instance alone;
	char name[IF_NAMESIZE];
	struct in_addr own = { 0 };
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	struct error err;
	int fd;

	(void)state;
	expect_uplinks_to_go(); /* those of earlier tests */
	instance_start(NULL, 0, &alone);
	find_uplink(name);
	assert_string_equal(name, "");
	expect_nothing_reachable(alone.namespace_fd);
	expect_refused(alone.namespace_fd, "198.18.0.3", PORT);
	expect_datagram_refused(alone.namespace_fd);
	expect_no_way_by_device(alone.namespace_fd, "127.0.0.1");

	/* The same address as an instance's, so that an app sees no difference. */
	fd = namespace_socket(alone.namespace_fd, AF_INET, SOCK_DGRAM, 0, &err);
	at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = inet_addr("203.0.113.9") };
	assert_int_equal(connect(fd, (void *)&at, sizeof at), 0);
	assert_int_equal(getsockname(fd, (void *)&at, &size), 0);
	own = at.sin_addr;
	assert_int_equal(own.s_addr, inet_addr("198.18.0.2"));
	(void)close(fd);
	instance_stop(&alone);
}

static void count_tables(char *text, size_t size)
{
	FILE *list = popen("nft list tables 2>&1", "r");

	text[0] = '\0';
	if (list && !fgets(text, (int)size, list))
		text[0] = '\0';
	if (list)
		(void)pclose(list);
}

/* A whole isorun's worth of network in a process of its own; its pid, once it is published. */
static pid_t start_isorun(void)
{
	int gate[2];
	char notice[160], byte;
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct instance web;
		struct network *network = instance_make_network("*", notice);

		instance_start(network, 0, &web);
		instance_publish(network, all, 1);
		assert_int_equal(write(gate[1], "", 1), 1);
		for (;;)
			(void)pause();
	}
	(void)close(gate[1]);
	assert_int_equal(read(gate[0], &byte, 1), 1);
	(void)close(gate[0]);
	return pid;
}

static void after_kill_9_nothing_is_left(void **state)
{
	char tables[200], greeting[80];
	pid_t pid, dead = 0;

	(void)state;
	instance_set_forwarding(false);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* its orphans become ours */
	pid = start_isorun();
	assert_string_equal(instance_ask(-1, "::1", PORT, greeting), "0 198.18.0.1");
	assert_string_equal(instance_ask(-1, "127.0.0.1", PORT, greeting), "0 198.18.0.1");
	count_tables(tables, sizeof tables);
	assert_true(strstr(tables, "isorun-") || strstr(tables, "not found"));

	(void)kill(pid, SIGKILL);
	for (int i = 0; i < 500 && (dead = waitpid(-1, NULL, WNOHANG)) >= 0; i++)
		if (dead == 0)
			(void)usleep(10000);
	assert_int_equal(dead, -1); /* the forwarder is dead, too: there is nobody to wait for */
	expect_uplinks_to_go();
	count_tables(tables, sizeof tables);
	assert_null(strstr(tables, "isorun-"));
	assert_string_equal(instance_ask(-1, "127.0.0.1", PORT, greeting), "Connection refused");
	(void)close(listen_everywhere(namespace_open(&(struct error){ 0 }), PORT));
}

static int enter_host(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	struct error err;

	*state = world;
	if (!world || !instance_enter_host())
		return -1;
	instance_make_remote(&world->remote);
	world->services[0] = listen_everywhere(namespace_open(&err), SERVICE);
	world->services[1] = listen_everywhere(world->remote.namespace_fd, SERVICE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_instance_reaches_nothing),
		cmocka_unit_test(the_router_is_reached_through_published_ports_only),
		cmocka_unit_test(a_one_off_reaches_nothing),
		cmocka_unit_test(after_kill_9_nothing_is_left),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("egress", tests, enter_host, NULL);
}
