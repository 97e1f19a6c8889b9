/* Ports served by the forwarder, on a host that does not forward packets. */
#include "../support/instance.h"

#include "kernel/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 1000, BIG = 64 << 20, PORT = 5000 };

static const unsigned all[] = { 0, 1, 2 };
static const char no_forwarding[] =
	"forwarding port 0.0.0.0:5000 with splice: this host does not forward packets";

struct world {
	struct remote remote;
	struct network *network;
	struct instance web[3];
	char notice[160];
};

static void begin(struct world *world, unsigned instances)
{
	world->network = instance_make_network("*", world->notice);
	for (unsigned i = 0; i < instances; i++)
		instance_start(world->network, i, &world->web[i]);
	instance_publish(world->network, all, instances);
}

static void end(struct world *world, unsigned instances)
{
	for (unsigned i = 0; i < instances; i++)
		instance_stop(&world->web[i]);
	network_free(world->network);
}

static int connect_remote(const struct world *world)
{
	int fd = instance_connect(world->remote.namespace_fd, "10.99.0.1", PORT);

	if (fd < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

#define expect_local(address, wanted) \
	assert_string_equal(instance_ask(-1, address, PORT, greeting), wanted)
#define expect_remote(world, address, wanted) \
	assert_string_equal(                  \
		instance_ask((world)->remote.namespace_fd, address, PORT, greeting), wanted)

static void without_forwarding_the_app_sees_the_same_addresses(void **state)
{
	struct world *world = *state;
	char greeting[80];

	begin(world, 0);
	assert_string_equal(world->notice, no_forwarding);
	expect_remote(world, "10.99.0.1", "Connection refused");
	instance_start(world->network, 0, &world->web[0]);
	instance_publish(world->network, all, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	expect_remote(world, "fd99::1", "0 fd99::2");
	expect_local("10.99.0.1", "0 10.99.0.1");
	expect_local("fd99::1", "0 fd99::1");
	expect_local("127.0.0.1", "0 198.18.0.1");
	expect_local("::1", "0 198.18.0.1");
	instance_publish(world->network, NULL, 0);
	expect_remote(world, "10.99.0.1", "Connection refused");
	expect_remote(world, "fd99::1", "Connection refused");
	instance_publish(world->network, all, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	end(world, 1);
}

static void a_firewall_that_drops_what_is_forwarded_is_noticed(void **state)
{
	static const struct nftables_chain chain = { "forward", "filter", NF_INET_FORWARD, 0,
		true };
	struct world *world = *state;
	struct nftables_batch batch = { 0 };
	char greeting[80];
	struct error err;
	int owner = nftables_open(-1, &err);

	nftables_begin(&batch, "firewall");
	nftables_add_table(&batch, true);
	nftables_add_chain(&batch, &chain);
	assert_int_equal(nftables_send(owner, &batch, &err), 0);
	nftables_done(&batch);
	instance_set_forwarding(true);

	begin(world, 1);
	assert_string_equal(world->notice, no_forwarding);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	expect_remote(world, "fd99::1", "0 fd99::2");
	end(world, 1);
	instance_set_forwarding(false);
	(void)close(owner);
}

static void forwarded_connections_are_balanced(void **state)
{
	struct world *world = *state;
	unsigned counts[3] = { 0 };
	char greeting[80];

	begin(world, 3);
	for (int i = 0; i < 30; i++)
		counts[atoi(instance_ask(world->remote.namespace_fd, "10.99.0.1", PORT, greeting)) %
			3]++;
	assert_int_equal(counts[0], 10);
	assert_int_equal(counts[1], 10);
	assert_int_equal(counts[2], 10);
	end(world, 3);
}

static void a_dead_instance_is_passed_over(void **state)
{
	struct world *world = *state;
	char greeting[80];

	begin(world, 2);
	(void)kill(-world->web[0].pid, SIGKILL);
	(void)waitpid(world->web[0].pid, NULL, 0);
	while (instance_connect(world->web[0].namespace_fd, "127.0.0.1", PORT) >= 0)
		(void)usleep(1000); /* one of its children still dies */
	for (int i = 0; i < 4; i++)
		expect_remote(world, "10.99.0.1", "1 10.99.0.2");
	instance_start(world->network, 0, &world->web[0]);
	end(world, 2);
}

static void fill_pattern(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		data[i] = (uint8_t)(seed >> 16);
	}
}

/* Sends everything and its end in a process of its own, so that this one can read. */
static pid_t send_all(int fd, const uint8_t *data, size_t len)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (size_t put = 0; put < len;) {
		ssize_t step = write(fd, data + put, len - put);

		if (step <= 0)
			_exit(1);
		put += (size_t)step;
	}
	_exit(shutdown(fd, SHUT_WR) < 0);
}

static void every_byte_arrives_behind_a_half_close(void **state)
{
	struct world *world = *state;
	uint8_t *sent = malloc(BIG), *got = malloc(BIG + 1);
	size_t len = 0;
	ssize_t step;
	char line[80];
	int status;

	begin(world, 1);
	fill_pattern(sent, BIG, 7);
	int fd = connect_remote(world);
	instance_read_line(fd, line, sizeof line);
	pid_t sender = send_all(fd, sent, BIG);

	while (len <= BIG && (step = read(fd, got + len, BIG + 1 - len)) > 0)
		len += (size_t)step;
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
	assert_int_equal(len, BIG);
	assert_memory_equal(sent, got, BIG);
	(void)close(fd);
	free(sent);
	free(got);
	end(world, 1);
}

/* Clock ticks that the forwarder, a child of this process, has used. */
static unsigned long forwarder_ticks(void)
{
	char line[1000];
	unsigned long user, system;
	FILE *list = popen("cat /proc/[0-9]*/stat 2>/dev/null", "r");

	while (list && fgets(line, sizeof line, list)) {
		char wanted[64], *at = strstr(line, "(isorun:[forwar");

		(void)snprintf(wanted, sizeof wanted, ") S %d ", (int)getpid());
		at = at ? strstr(at, wanted) : NULL;
		if (at && sscanf(at, ") S %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				  &system) == 2) {
			(void)pclose(list);
			return user + system;
		}
	}
	fail_msg("no sleeping forwarder");
	return 0;
}

static int connect_stalled(const struct world *world)
{
	static char chunk[1 << 16];
	int fd = connect_remote(world);

	for (int i = 0; i < 200; i++) /* until nothing more goes in: the echo fills every buffer */
		if (send(fd, chunk, sizeof chunk, MSG_DONTWAIT) < 0)
			(void)usleep(2000);
	return fd;
}

static void a_client_that_does_not_read_holds_nobody_up(void **state)
{
	struct world *world = *state;
	char line[80];
	int stalled;

	begin(world, 1);
	stalled = connect_stalled(world);
	for (int i = 0; i < 20; i++) {
		int fd = connect_remote(world);

		instance_read_line(fd, line, sizeof line);
		assert_string_equal(line, "0 10.99.0.2");
		assert_int_equal(write(fd, "ping\n", 5), 5);
		instance_read_line(fd, line, sizeof line);
		assert_string_equal(line, "ping");
		(void)close(fd);
	}
	(void)close(stalled);
	end(world, 1);
}

static void a_forwarder_with_nothing_to_do_sleeps(void **state)
{
	struct world *world = *state;
	unsigned long before;
	char line[80];
	int fds[4];

	begin(world, 1);
	fds[0] = connect_remote(world); /* idle */
	instance_read_line(fds[0], line, sizeof line);
	fds[1] = connect_stalled(world);
	fds[2] = connect_stalled(world);
	assert_int_equal(shutdown(fds[2], SHUT_WR), 0);
	fds[3] = connect_stalled(world);
	(void)close(fds[3]); /* unread bytes: a reset */
	instance_publish(world->network, NULL, 0);
	(void)usleep(100000);
	before = forwarder_ticks();
	(void)usleep(500000);
	assert_true(forwarder_ticks() - before <= 5);

	assert_int_equal(write(fds[0], "on\n", 3), 3);
	instance_read_line(fds[0], line, sizeof line);
	assert_string_equal(line, "on");
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	end(world, 1);
}

static void a_thousand_connections_are_served_at_once(void **state)
{
	struct world *world = *state;
	struct rlimit limit;
	static int fds[MANY];
	char line[80];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 8 * MANY) {
		print_message("skipped: only %u descriptors\n", (unsigned)limit.rlim_max);
		skip();
	}
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	begin(world, 1);
	for (int i = 0; i < MANY; i++)
		fds[i] = connect_remote(world);
	for (int i = 0; i < MANY; i++) {
		instance_read_line(fds[i], line, sizeof line);
		assert_string_equal(line, "0 10.99.0.2");
	}
	for (int i = MANY - 1; i >= 0; i--) {
		assert_int_equal(write(fds[i], "x\n", 2), 2);
		instance_read_line(fds[i], line, sizeof line);
		assert_string_equal(line, "x");
		(void)close(fds[i]);
	}
	end(world, 1);
}

static void the_port_can_be_held_again_at_once(void **state)
{
	struct world *world = *state;
	char greeting[80];

	begin(world, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	int fd = connect_remote(world);
	instance_stop(&world->web[0]); /* closes first: what remains is on the host's side */
	instance_read_line(fd, greeting, sizeof greeting);
	instance_read_line(fd, greeting, sizeof greeting);
	network_free(world->network);
	(void)close(fd);

	begin(world, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	end(world, 1);
}

static int enter_host(void **state)
{
	struct world *world = calloc(1, sizeof *world);

	*state = world;
	if (!world || !instance_enter_host())
		return -1;
	instance_make_remote(&world->remote);
	instance_set_forwarding(false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_forwarding_the_app_sees_the_same_addresses),
		cmocka_unit_test(a_firewall_that_drops_what_is_forwarded_is_noticed),
		cmocka_unit_test(forwarded_connections_are_balanced),
		cmocka_unit_test(a_dead_instance_is_passed_over),
		cmocka_unit_test(every_byte_arrives_behind_a_half_close),
		cmocka_unit_test(a_client_that_does_not_read_holds_nobody_up),
		cmocka_unit_test(a_forwarder_with_nothing_to_do_sleeps),
		cmocka_unit_test(a_thousand_connections_are_served_at_once),
		cmocka_unit_test(the_port_can_be_held_again_at_once),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("forwarder", tests, enter_host, NULL);
}
