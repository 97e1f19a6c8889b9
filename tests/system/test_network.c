/* Ports published by the kernel, in a host of the test's own with a remote machine beside it. */
#include "../support/instance.h"

#include "base/clock.h"
#include "kernel/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const unsigned all[] = { 0, 1, 2 };

struct world {
	struct remote remote;
	struct network *network;
	struct instance web[3];
	char notice[160];
};

static void begin(struct world *world, const char *address, unsigned instances)
{
	world->network = instance_make_network(address, world->notice);
	for (unsigned i = 0; i < instances; i++)
		instance_start(world->network, i, &world->web[i]);
}

static void end(struct world *world, unsigned instances)
{
	for (unsigned i = 0; i < instances; i++)
		instance_stop(&world->web[i]);
	network_free(world->network);
}

/* What address:5000 answers to a client on the host, or on the remote machine. */
#define expect_local(address, wanted) \
	assert_string_equal(instance_ask(-1, address, 5000, greeting), wanted)
#define expect_remote(world, address, wanted) \
	assert_string_equal(                  \
		instance_ask((world)->remote.namespace_fd, address, 5000, greeting), wanted)

static void a_port_is_open_only_while_an_instance_is_ready(void **state)
{
	struct world *world = *state;
	char greeting[80];

	begin(world, "127.0.0.1", 1);
	assert_string_equal(world->notice, "");
	expect_local("127.0.0.1", "Connection refused");

	instance_publish(world->network, all, 1);
	expect_local("127.0.0.1", "0 198.18.0.1");
	expect_local("10.99.0.1", "Connection refused");
	expect_remote(world, "10.99.0.1", "Connection refused");

	instance_publish(world->network, NULL, 0);
	expect_local("127.0.0.1", "Connection refused");
	end(world, 1);
}

static void the_app_sees_a_remote_clients_real_address(void **state)
{
	struct world *world = *state;
	char greeting[80];

	instance_set_forwarding(true);
	begin(world, "*", 1);
	assert_string_equal(
		world->notice, "forwarding [::1] with splice: the kernel does not route it");
	expect_remote(world, "10.99.0.1", "Connection refused");
	expect_remote(world, "fd99::1", "Connection refused");

	instance_publish(world->network, all, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	expect_remote(world, "fd99::1", "0 fd99::2");
	expect_local("10.99.0.1", "0 10.99.0.1");
	expect_local("fd99::1", "0 fd99::1");
	expect_local("127.0.0.1", "0 198.18.0.1");
	expect_local("127.1.2.3", "0 198.18.0.1");
	expect_local("::1", "0 198.18.0.1");

	instance_publish(world->network, NULL, 0);
	expect_remote(world, "10.99.0.1", "Connection refused");
	expect_remote(world, "fd99::1", "Connection refused");
	expect_local("::1", "Connection refused");
	end(world, 1);
}

static void one_address_is_not_all_addresses(void **state)
{
	struct world *world = *state;
	char greeting[80];

	instance_set_forwarding(true);
	begin(world, "10.99.0.1", 1);
	assert_string_equal(world->notice, "");
	instance_publish(world->network, all, 1);
	expect_remote(world, "10.99.0.1", "0 10.99.0.2");
	expect_local("10.99.0.1", "0 10.99.0.1");
	expect_local("127.0.0.1", "Connection refused");
	expect_remote(world, "fd99::1", "Connection refused");
	end(world, 1);
}

static void connections_are_balanced_over_the_ready_instances(void **state)
{
	struct world *world = *state;
	unsigned counts[3] = { 0 };
	char greeting[80];

	begin(world, "127.0.0.1", 3);
	instance_publish(world->network, all, 3);
	for (int i = 0; i < 30; i++)
		counts[atoi(instance_ask(-1, "127.0.0.1", 5000, greeting)) % 3]++;
	assert_int_equal(counts[0], 10);
	assert_int_equal(counts[1], 10);
	assert_int_equal(counts[2], 10);

	instance_publish(world->network, &all[2], 1);
	for (int i = 0; i < 5; i++)
		expect_local("127.0.0.1", "2 198.18.0.1");
	end(world, 3);
}

static void a_connection_stays_when_its_instance_is_taken_out(void **state)
{
	struct world *world = *state;
	char line[80];
	int fd;

	begin(world, "127.0.0.1", 2);
	instance_publish(world->network, all, 1);
	fd = instance_connect(-1, "127.0.0.1", 5000);
	instance_read_line(fd, line, sizeof line);

	instance_publish(world->network, &all[1], 1);
	assert_int_equal(write(fd, "still here\n", 11), 11);
	instance_read_line(fd, line, sizeof line);
	assert_string_equal(line, "still here");

	instance_publish(world->network, NULL, 0);
	assert_int_equal(write(fd, "and here\n", 9), 9);
	instance_read_line(fd, line, sizeof line);
	assert_string_equal(line, "and here");
	(void)close(fd);
	end(world, 2);
}

static void a_taken_port_is_named_in_the_error(void **state)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(5000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct network_port port = { "127.0.0.1", 5000, 5000 };
	const struct network_config config = { .ports = &port, .port_count = 1 };
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct network *network = NULL;
	char wanted[160];
	struct error err;

	(void)state;
	assert_int_equal(bind(taken, (const void *)&at, sizeof at), 0);
	assert_int_equal(listen(taken, 1), 0);

	assert_int_equal(network_new(&config, &network, &err), -1);
	assert_string_equal(err.text, "port 127.0.0.1:5000 is taken");
	(void)snprintf(wanted, sizeof wanted,
		"test_network (process %d) has it; -p 5001:TYPE publishes on another",
		(int)getpid());
	assert_string_equal(err.hint, wanted);
	(void)close(taken);
}

static void nobody_can_take_a_port_that_is_held(void **state)
{
	struct world *world = *state;
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(5000) };
	const int on = 1;
	int thief = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin(world, "127.0.0.1", 0);
	(void)setsockopt(thief, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(thief, (const void *)&at, sizeof at), -1);
	assert_int_equal(errno, EADDRINUSE);
	(void)close(thief);
	end(world, 0);
}

static void two_networks_live_side_by_side(void **state)
{
	struct world *world = *state, other = { .remote = world->remote };
	char greeting[80];

	begin(world, "127.0.0.1", 1);
	begin(&other, "127.0.0.2", 1);
	instance_publish(world->network, all, 1);
	expect_local("127.0.0.2", "Connection refused");
	instance_publish(other.network, all, 1);
	expect_local("127.0.0.2", "0 198.18.0.1");
	end(world, 1);
	expect_local("127.0.0.1", "Connection refused");
	expect_local("127.0.0.2", "0 198.18.0.1");
	end(&other, 1);
}

static void an_instance_is_dialled_from_the_router(void **state)
{
	struct world *world = *state;
	struct pollfd poll_it = { .events = POLLOUT };
	struct error err;
	int error = -1;
	socklen_t size = sizeof error;
	char line[80];

	begin(world, "127.0.0.1", 1);
	poll_it.fd = network_dial(world->network, 0, 5000, &err);
	assert_true(poll_it.fd >= 0);
	assert_int_equal(poll(&poll_it, 1, 5000), 1);
	assert_int_equal(getsockopt(poll_it.fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, 0);
	poll_it.events = POLLIN;
	assert_int_equal(poll(&poll_it, 1, 5000), 1);
	instance_read_line(poll_it.fd, line, sizeof line);
	assert_string_equal(line, "0 198.18.0.1");
	(void)close(poll_it.fd);
	end(world, 1);
}

static void the_hosts_control_of_congestion_is_not_for_instances(void **state)
{
	struct world *world = *state;
	struct error err;
	char name[16] = "";
	socklen_t size = sizeof name - 1;
	int fd;

	begin(world, "127.0.0.1", 1);
	fd = network_dial(world->network, 0, 5000, &err);
	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	assert_string_equal(name, "reno");
	(void)close(fd);
	end(world, 1);
}

static void a_slot_can_be_used_again_at_once(void **state)
{
	struct world *world = *state;
	char greeting[80];

	begin(world, "127.0.0.1", 1);
	instance_publish(world->network, all, 1);
	expect_local("127.0.0.1", "0 198.18.0.1");
	instance_stop(&world->web[0]);
	network_leave(world->network, 0);
	instance_start(world->network, 0, &world->web[0]);
	expect_local("127.0.0.1", "0 198.18.0.1");
	end(world, 1);
}

static void an_app_on_ipv4_only_serves_ipv6_clients(void **state)
{
	static const unsigned slots[] = { 0, INSTANCE_V4_ONLY };
	struct world *world = *state;
	char greeting[80];

	instance_set_forwarding(true);
	begin(world, "*", 1);
	instance_start(world->network, INSTANCE_V4_ONLY, &world->web[1]);
	instance_publish(world->network, &slots[1], 1);
	expect_remote(world, "10.99.0.1", "500 10.99.0.2");
	expect_remote(world, "fd99::1", "500 198.18.0.1");

	instance_publish(world->network, slots, 2); /* now one has IPv6 */
	expect_remote(world, "fd99::1", "0 fd99::2");
	expect_remote(world, "fd99::1", "0 fd99::2");
	end(world, 2);
}

static int enter_host(void **state)
{
	struct world *world = calloc(1, sizeof *world);

	*state = world;
	if (!world || !instance_enter_host())
		return -1;
	instance_make_remote(&world->remote);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_open_only_while_an_instance_is_ready),
		cmocka_unit_test(the_app_sees_a_remote_clients_real_address),
		cmocka_unit_test(an_app_on_ipv4_only_serves_ipv6_clients),
		cmocka_unit_test(one_address_is_not_all_addresses),
		cmocka_unit_test(connections_are_balanced_over_the_ready_instances),
		cmocka_unit_test(a_connection_stays_when_its_instance_is_taken_out),
		cmocka_unit_test(a_taken_port_is_named_in_the_error),
		cmocka_unit_test(nobody_can_take_a_port_that_is_held),
		cmocka_unit_test(two_networks_live_side_by_side),
		cmocka_unit_test(an_instance_is_dialled_from_the_router),
		cmocka_unit_test(the_hosts_control_of_congestion_is_not_for_instances),
		cmocka_unit_test(a_slot_can_be_used_again_at_once),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("network", tests, enter_host, NULL);
}
