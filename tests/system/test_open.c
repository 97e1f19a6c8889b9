/* Egress "open": from an instance's namespace to wherever the host reaches, over TCP and UDP. */
#include "../support/instance.h"

#include "base/buf.h"
#include "base/clock.h"
#include "kernel/namespace.h"
#include "network/gates.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
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

enum { SERVICE = 7000, DNS = 53, USER = 4000, PAYLOAD = 65507 };

static const char resolv_file[] = "/tmp/test_open.resolv";

struct world {
	struct remote remote;
	struct instance app;
	struct gates *gates;
	pid_t servers[4];
};

/* Servers. */

static void serve_tcp(int fd, const char *greeting)
{
	char chunk[4096];
	ssize_t got;
	int client = accept(fd, NULL, NULL);

	if (client < 0)
		return;
	if (fork() == 0) {
		(void)dprintf(client, "%s\n", greeting);
		while ((got = read(client, chunk, sizeof chunk)) > 0)
			if (write(client, chunk, (size_t)got) != got)
				_exit(1);
		_exit(0);
	}
	(void)close(client);
}

/* Sends every datagram back; one that begins with "?" is answered with the greeting. */
static void serve_udp(int fd, const char *greeting)
{
	static char chunk[PAYLOAD];
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	ssize_t got = recvfrom(fd, chunk, sizeof chunk, 0, (void *)&from, &size);

	if (got > 0 && chunk[0] == '?')
		(void)sendto(fd, greeting, strlen(greeting), 0, (void *)&from, size);
	else if (got > 0)
		(void)sendto(fd, chunk, (size_t)got, 0, (void *)&from, size);
}

static socklen_t fill(const char *address, unsigned short port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	ret->ss_family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (ret->ss_family == AF_INET6) {
		v6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
		return sizeof *v6;
	}
	v4->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
	return sizeof *v4;
}

static int bind_server(int namespace_fd, const char *address, unsigned short port, int type)
{
	struct sockaddr_storage at;
	const socklen_t size = fill(address, port, &at);
	const int on = 1;
	struct error err;
	int fd = namespace_socket(namespace_fd, at.ss_family, type, 0, &err);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (void *)&at, size) < 0 ||
		(type == SOCK_STREAM && listen(fd, 4096) < 0))
		fail_msg("%s:%u: %s", address, port, strerror(errno));
	return fd;
}

/* A TCP and UDP server, which greets with its own address. */
static pid_t start_server(int namespace_fd, const char *address, unsigned short port)
{
	struct pollfd fds[2] = {
		{ .fd = bind_server(namespace_fd, address, port, SOCK_STREAM), .events = POLLIN },
		{ .fd = bind_server(namespace_fd, address, port, SOCK_DGRAM), .events = POLLIN },
	};
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setpgid(0, 0);
		(void)signal(SIGCHLD, SIG_IGN);
		for (;;) {
			(void)poll(fds, 2, -1);
			if (fds[0].revents)
				serve_tcp(fds[0].fd, address);
			if (fds[1].revents)
				serve_udp(fds[1].fd, address);
		}
	}
	(void)setpgid(pid, pid);
	(void)close(fds[0].fd);
	(void)close(fds[1].fd);
	return pid;
}

/* The app. */

static void begin(struct world *world, struct network *network)
{
	const struct gates_config config = { .is_open = true };
	struct error err;

	instance_start(network, 3, &world->app);
	if (gates_new(&config, &world->gates, &err) < 0 ||
		gates_open(world->gates, 3, world->app.namespace_fd, &err) < 0)
		fail_msg("%s", err.text);
}

static void end(struct world *world)
{
	instance_stop(&world->app);
	gates_close(world->gates, 3);
	gates_free(world->gates);
}

static void expect_answer(
	const struct world *world, const char *address, unsigned short port, const char *greeting)
{
	char line[80];

	assert_string_equal(instance_ask(world->app.namespace_fd, address, port, line), greeting);
}

static int open_datagram(const struct world *world, int family)
{
	const struct timeval limit = { .tv_sec = 3 };
	struct error err;
	int fd = namespace_socket(world->app.namespace_fd, family, SOCK_DGRAM, 0, &err);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

/* Sends and expects this answer from where it was sent to. */
static void exchange(
	int fd, const char *address, unsigned short port, const char *text, const char *answer)
{
	struct sockaddr_storage to, from = { 0 };
	const socklen_t to_size = fill(address, port, &to);
	socklen_t size = sizeof from;
	char got[80] = "";

	if (sendto(fd, text, strlen(text), 0, (void *)&to, to_size) < 0 ||
		recvfrom(fd, got, sizeof got - 1, 0, (void *)&from, &size) < 0)
		fail_msg("%s: %s", address, strerror(errno));
	assert_string_equal(got, answer);
	assert_int_equal(size, to_size);
	assert_memory_equal(&from, &to,
		offsetof(struct sockaddr_in6, sin6_scope_id) < size
			? offsetof(struct sockaddr_in6, sin6_scope_id)
			: size);
}

static void ask_datagram(
	const struct world *world, const char *address, unsigned short port, const char *answer)
{
	int fd = open_datagram(world, strchr(address, ':') ? AF_INET6 : AF_INET);

	exchange(fd, address, port, "?", answer);
	(void)close(fd);
}

static void expect_datagram_refused(const struct world *world, const char *address)
{
	struct sockaddr_storage to;
	const socklen_t size = fill(address, 9, &to);
	int fd = open_datagram(world, to.ss_family);
	char byte;

	assert_int_equal(connect(fd, (void *)&to, size), 0);
	if (send(fd, "x", 1, 0) == 1)
		assert_int_equal(recv(fd, &byte, 1, 0), -1);
	if (errno != ECONNREFUSED && errno != EPERM)
		fail_msg("%s: %s", address, strerror(errno));
	(void)close(fd);
}

/* The client is connected before the way is known: a refusal is a reset. */
static void expect_reset(const struct world *world, const char *address, unsigned short port)
{
	const uint64_t began = clock_now();
	int fd = instance_connect(world->app.namespace_fd, address, port);
	char byte;

	if (fd >= 0) {
		assert_int_equal(read(fd, &byte, 1), -1);
		assert_int_equal(errno, ECONNRESET);
		(void)close(fd);
	} else if (errno != ECONNREFUSED) {
		fail_msg("%s:%u: %s", address, port, strerror(errno));
	}
	assert_true(clock_now() - began < 900);
}

static void expect_everything(const struct world *world)
{
	expect_answer(world, "10.99.0.2", SERVICE, "10.99.0.2");
	expect_answer(world, "fd99::2", SERVICE, "fd99::2");
	ask_datagram(world, "10.99.0.2", SERVICE, "10.99.0.2");
	ask_datagram(world, "fd99::2", SERVICE, "fd99::2");
	expect_answer(world, "198.18.255.53", DNS, "127.0.0.53");
	ask_datagram(world, "198.18.255.53", DNS, "127.0.0.53");
}

static void a_one_off_reaches_what_the_host_reaches(void **state)
{
	struct world *world = *state;

	begin(world, NULL);
	expect_everything(world);
	end(world);
}

static void an_instance_reaches_what_the_host_reaches(void **state)
{
	struct world *world = *state;
	char notice[160];
	struct network *network = instance_make_network("127.0.0.1", notice);

	begin(world, network);
	expect_everything(world);
	end(world);
	network_free(network);
}

static void one_socket_speaks_with_many(void **state)
{
	struct world *world = *state;
	int fd;

	begin(world, NULL);
	fd = open_datagram(world, AF_INET);
	exchange(fd, "10.99.0.2", SERVICE, "one", "one");
	exchange(fd, "10.99.0.1", SERVICE, "two", "two");
	exchange(fd, "198.18.255.53", DNS, "three", "three");
	exchange(fd, "10.99.0.2", SERVICE, "four", "four");
	(void)close(fd);
	end(world);
}

static void a_datagram_of_any_size_arrives(void **state)
{
	static const size_t sizes[] = { 0, 1, 1471, 1472, 1473, 9000, PAYLOAD - 20 };
	static char sent[PAYLOAD], got[PAYLOAD];
	static const char *const addresses[] = { "10.99.0.2", "fd99::2" };
	struct world *world = *state;

	begin(world, NULL);
	memset(sent, 0xa5, sizeof sent);
	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_storage to;
		const socklen_t size = fill(addresses[i], SERVICE, &to);
		int fd = open_datagram(world, to.ss_family);

		assert_int_equal(connect(fd, (void *)&to, size), 0);
		for (size_t j = 1; j < sizeof sizes / sizeof *sizes; j++) {
			for (size_t k = 0; k < sizes[j]; k++)
				sent[k] = (char)(k * 7 + j + 1);
			assert_int_equal(send(fd, sent, sizes[j], 0), sizes[j]);
			assert_int_equal(recv(fd, got, sizeof got, 0), sizes[j]);
			assert_memory_equal(sent, got, sizes[j]);
		}
		(void)close(fd);
	}
	end(world);
}

static void the_hosts_loopback_and_isoruns_networks_are_not_reached(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "127.0.0.53", "::1", "0.0.0.0",
		"::ffff:127.0.0.1", "198.18.0.1", "198.18.0.3", "198.18.255.1", "198.18.255.53",
		"198.19.0.1", "fd69:736f:7275:6e00::1", "fd69:736f:7275:6e01::1",
		"fd69:736f:7275:6e00::1:ffff" };
	struct world *world = *state;
	pid_t v4 = start_server(namespace_open(&(struct error){ 0 }), "0.0.0.0", 9);
	pid_t v6 = start_server(namespace_open(&(struct error){ 0 }), "::1", 9);

	begin(world, NULL);
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		expect_reset(world, addresses[i], 9);
		if (strncmp(addresses[i], "0.", 2) != 0)
			expect_datagram_refused(world, addresses[i]);
	}
	expect_answer(world, "10.99.0.1", 9, "0.0.0.0"); /* it is there */
	end(world);
	(void)kill(-v4, SIGKILL), (void)kill(-v6, SIGKILL);
	(void)waitpid(v4, NULL, 0), (void)waitpid(v6, NULL, 0);
}

static void what_nobody_answers_is_refused_inside(void **state)
{
	struct world *world = *state;

	begin(world, NULL);
	expect_reset(world, "10.99.0.2", 9);
	expect_reset(world, "fd99::2", 9);
	expect_reset(world, "203.0.113.9", 9); /* the host has no way there */
	expect_datagram_refused(world, "10.99.0.2");
	expect_datagram_refused(world, "fd99::2");
	expect_datagram_refused(world, "203.0.113.9");
	end(world);
}

/* The gates' process is this one's last child. */
static unsigned count_descriptors_of_gates(void)
{
	char path[64], line[256] = "", *at = line;
	unsigned count = 0;
	int pid = 0, step = 0;
	FILE *list;
	DIR *fds;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	list = fopen(path, "r");
	if (!list || !fgets(line, sizeof line, list))
		fail_msg("%s", path);
	(void)fclose(list);
	for (; sscanf(at, "%d%n", &pid, &step) == 1; at += step)
		;
	(void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
	fds = opendir(path);
	while (fds && readdir(fds))
		count++;
	(void)closedir(fds);
	return count;
}

/* While there is a flood a datagram may be lost. */
static void ask_patiently(const struct world *world, const char *address, unsigned short port)
{
	const struct timeval limit = { .tv_usec = 200000 };
	struct sockaddr_storage to;
	const socklen_t size = fill(address, port, &to);
	int fd = open_datagram(world, to.ss_family);
	ssize_t got = -1;
	char byte;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	for (int i = 0; i < 50 && got < 0; i++) {
		assert_int_equal(sendto(fd, "y", 1, 0, (void *)&to, size), 1);
		got = recv(fd, &byte, 1, 0);
	}
	assert_int_equal(got, 1);
	(void)close(fd);
}

static void of_ten_thousand_flows_few_are_kept_and_the_last_one_works(void **state)
{
	struct world *world = *state;
	struct sockaddr_storage to;
	const socklen_t size = fill("10.99.0.2", SERVICE, &to);
	unsigned count;
	int fd;

	begin(world, NULL);
	for (unsigned i = 0; i < 10000; i++) {
		fd = open_datagram(world, AF_INET);
		assert_int_equal(sendto(fd, "x", 1, 0, (void *)&to, size), 1);
		(void)close(fd);
	}
	ask_patiently(world, "10.99.0.2", SERVICE);
	expect_answer(world, "10.99.0.2", SERVICE, "10.99.0.2");
	count = count_descriptors_of_gates();
	if (count < 100 || count > 256 + 40)
		fail_msg("%u descriptors", count);
	end(world);
}

static void the_text_of_resolv_conf_names_the_server_inside(void **state)
{
	struct buf text = { 0 };

	(void)state;
	gates_resolver(&text);
	assert_string_equal(text.data, "nameserver 198.18.255.53\nsearch corp.example lan\n");
	buf_done(&text);
}

/* What an ordinary user's isorun does: its gates stay outside, it goes into namespaces. */
static void run_as_user(void)
{
	const struct gates_config config = { .is_open = true };
	struct world world = { 0 };
	struct error err;

	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0 ||
		prctl(PR_SET_DUMPABLE, 1) < 0 || gates_new(&config, &world.gates, &err) < 0)
		_exit(10);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(11);
	world.app.namespace_fd = namespace_new(&err);
	if (world.app.namespace_fd < 0 ||
		network_join_alone(world.app.namespace_fd, &world.app.refused, &err) < 0 ||
		gates_open(world.gates, 3, world.app.namespace_fd, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		_exit(12);
	}
	expect_everything(&world);
	gates_close(world.gates, 3);
	gates_free(world.gates);
	_exit(0);
}

static void an_ordinary_user_reaches_the_same(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		run_as_user();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void put_over(const char *file, const char *text, const char *over)
{
	FILE *made = fopen(file, "w");

	(void)fputs(text, made);
	(void)fclose(made);
	assert_int_equal(mount(file, over, NULL, MS_BIND, NULL), 0);
}

static int enter_host(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	struct error err;
	int host;

	*state = world;
	if (!world || !instance_enter_host())
		return -1;
	instance_make_remote(&world->remote);
	host = namespace_open(&err);
	world->servers[0] = start_server(world->remote.namespace_fd, "10.99.0.2", SERVICE);
	world->servers[1] = start_server(world->remote.namespace_fd, "fd99::2", SERVICE);
	world->servers[2] = start_server(host, "127.0.0.53", DNS);
	world->servers[3] = start_server(host, "10.99.0.1", SERVICE);
	put_over(resolv_file, "# here\nnameserver 127.0.0.53\nsearch corp.example lan\n",
		"/etc/resolv.conf");
	return 0;
}

static int leave_host(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 4; i++)
		(void)kill(-world->servers[i], SIGKILL);
	(void)unlink(resolv_file);
	free(world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_one_off_reaches_what_the_host_reaches),
		cmocka_unit_test(an_instance_reaches_what_the_host_reaches),
		cmocka_unit_test(one_socket_speaks_with_many),
		cmocka_unit_test(a_datagram_of_any_size_arrives),
		cmocka_unit_test(the_hosts_loopback_and_isoruns_networks_are_not_reached),
		cmocka_unit_test(what_nobody_answers_is_refused_inside),
		cmocka_unit_test(of_ten_thousand_flows_few_are_kept_and_the_last_one_works),
		cmocka_unit_test(the_text_of_resolv_conf_names_the_server_inside),
		cmocka_unit_test(an_ordinary_user_reaches_the_same),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("open", tests, enter_host, leave_host);
}
