/* Gates: from an instance's namespace to services of the host, of a LAN and of a name. */
#include "../support/instance.h"
#include "../support/server.h"

#include "base/buf.h"
#include "kernel/namespace.h"
#include "kernel/process.h"
#include "network/gates.h"

#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 1000, BIG = 32 << 20, USER = 4000 };

struct world {
	struct remote remote;
	struct instance app;
	char notice[400];
	unsigned notices;
};

/* Gates of one service or more, open in the app's namespace. */

static void keep_notice(void *context, const char *line)
{
	struct world *world = context;

	(void)snprintf(world->notice, sizeof world->notice, "%s", line);
	world->notices++;
}

static struct gates *begin_with(
	struct world *world, const struct gates_service *services, size_t count)
{
	const struct gates_config config = { .services = services, .count = count };
	struct gates *gates = NULL;
	struct error err;

	world->notice[0] = '\0';
	world->notices = 0;
	instance_start(NULL, 0, &world->app);
	if (gates_new(&config, &gates, &err) < 0 ||
		gates_open(gates, 0, world->app.namespace_fd, &err) < 0)
		fail_msg("%s", err.text);
	return gates;
}

static struct gates *begin(struct world *world, const char *host, uint16_t port)
{
	const struct gates_service service = { "cache", host, port };

	return begin_with(world, &service, 1);
}

static void end(struct world *world, struct gates *gates)
{
	instance_stop(&world->app);
	gates_close(gates, 0);
	gates_free(gates);
}

static void expect_notice(struct world *world, struct gates *gates, const char *wanted)
{
	struct pollfd readable = { .fd = gates_fd(gates), .events = POLLIN };
	struct error err;

	for (int i = 0; i < 150 && world->notices == 0; i++) {
		(void)poll(&readable, 1, 100);
		assert_int_equal(gates_read(gates, keep_notice, world, &err), 0);
	}
	assert_string_equal(world->notice, wanted);
	world->notices = 0;
}

#define expect_answer(world, address, port, wanted) \
	assert_string_equal(                        \
		instance_ask((world)->app.namespace_fd, address, port, greeting), wanted)

static void expect_reset(const struct world *world, const char *address, unsigned short port)
{
	int fd = instance_connect(world->app.namespace_fd, address, port);
	char byte;

	if (fd < 0) {
		assert_int_equal(errno, ECONNRESET);
		return;
	}
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	(void)close(fd);
}

static void the_hosts_own_localhost_is_reached_as_it_is_written(void **state)
{
	struct world *world = *state;
	struct server v4, v6;
	struct gates *gates;
	char greeting[80];

	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &v4);
	gates = begin(world, "localhost", 6379);
	expect_answer(world, "127.0.0.1", 6379, "127.0.0.1");
	expect_answer(world, "::1", 6379, "127.0.0.1");
	expect_answer(world, "127.0.0.1", 6380, "Connection refused");
	server_stop(&v4);
	server_start(-1, "::1", 6379, SERVER_ECHO, &v6);
	expect_answer(world, "127.0.0.1", 6379, "::1");
	server_stop(&v6);
	end(world, gates);

	server_start(-1, "::1", 6379, SERVER_ECHO, &v6);
	gates = begin(world, "::1", 6379);
	expect_answer(world, "::1", 6379, "::1");
	expect_answer(world, "127.0.0.1", 6379, "Connection refused");
	end(world, gates);
	server_stop(&v6);
}

static void an_app_may_listen_on_the_services_own_port(void **state)
{
	struct world *world = *state;
	struct server server;
	struct gates *gates;
	char greeting[80];

	server_start(-1, "127.0.0.1", 5000, SERVER_ECHO, &server); /* as the instance does */
	gates = begin(world, "127.0.0.1", 5000);
	expect_answer(world, "127.0.0.1", 5000, "127.0.0.1");
	expect_answer(world, "198.18.0.2", 5000, "0 198.18.0.2");
	end(world, gates);
	server_stop(&server);
}

static void an_address_of_the_lan_is_reached_and_no_other_port_of_it(void **state)
{
	struct world *world = *state;
	struct server v4, v6, other;
	const struct gates_service services[] = { { "a", "10.99.0.2", 7000 },
		{ "b", "fd99::2", 7000 } };
	struct gates *gates;
	char greeting[80];

	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &v4);
	server_start(world->remote.namespace_fd, "fd99::2", 7000, SERVER_ECHO, &v6);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7001, SERVER_ECHO, &other);
	gates = begin_with(world, services, 2);
	expect_answer(world, "10.99.0.2", 7000, "10.99.0.2");
	expect_answer(world, "fd99::2", 7000, "fd99::2");
	expect_answer(world, "10.99.0.2", 7001, "Connection refused");
	expect_answer(world, "10.99.0.1", 7000, "Connection refused");
	end(world, gates);
	server_stop(&v4), server_stop(&v6), server_stop(&other);
}

static void behind_a_router_a_gate_is_the_same(void **state)
{
	struct world *world = *state;
	const struct gates_service services[] = { { "a", "127.0.0.1", 6379 },
		{ "b", "10.99.0.2", 7000 } };
	const struct gates_config config = { .services = services, .count = 2 };
	struct network *network = instance_make_network("127.0.0.1", world->notice);
	struct server local, lan;
	struct gates *gates = NULL;
	char greeting[80];
	struct error err;

	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &local);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &lan);
	instance_start(network, 7, &world->app);
	assert_int_equal(gates_new(&config, &gates, &err), 0);
	assert_int_equal(gates_open(gates, 7, world->app.namespace_fd, &err), 0);
	expect_answer(world, "127.0.0.1", 6379, "127.0.0.1");
	expect_answer(world, "10.99.0.2", 7000, "10.99.0.2");
	expect_answer(world, "10.99.0.2", 7001, "Connection refused");
	end(world, gates);
	network_free(network);
	server_stop(&local), server_stop(&lan);
}

static void a_name_is_looked_up_at_each_connection(void **state)
{
	struct world *world = *state;
	const struct gates_service services[] = { { "a", "db.example.com", 7000 },
		{ "b", "other.example.com", 7000 }, { "c", "db.example.com", 7001 } };
	const struct gates_config config = { .services = services, .count = 3 };
	struct server here, there, second;
	struct buf text = { 0 };
	struct gates *gates;
	char greeting[80];

	server_start(-1, "10.99.0.1", 7000, SERVER_ECHO, &here);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &there);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7001, SERVER_ECHO, &second);
	names_write("10.99.0.2 db.example.com\n");
	gates = begin_with(world, services, 3);
	expect_answer(world, "198.18.128.1", 7000, "10.99.0.2");
	names_write("10.99.0.1 db.example.com\n");
	expect_answer(world, "198.18.128.1", 7000, "10.99.0.1");
	names_write("10.99.0.3 db.example.com\n10.99.0.2 db.example.com\n");
	expect_answer(world, "198.18.128.1", 7001, "10.99.0.2"); /* .3 is nobody */
	expect_answer(world, "198.18.128.2", 7001, "Connection refused");
	gates_hosts(&config, &text);
	assert_string_equal(text.data,
		"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
		"198.18.128.1\tdb.example.com\n198.18.128.2\tother.example.com\n");
	buf_done(&text);
	end(world, gates);
	server_stop(&here), server_stop(&there), server_stop(&second);
}

static void a_name_that_turns_to_this_host_is_refused(void **state)
{
	static const char *const turns[][2] = {
		{ "127.0.0.1", "127.0.0.1, which is this host itself" },
		{ "127.9.9.9", "127.9.9.9, which is this host itself" },
		{ "::1", "::1, which is this host itself" },
		{ "0.0.0.0", "0.0.0.0, which is this host itself" },
		{ "::ffff:127.0.0.1", "127.0.0.1, which is this host itself" },
		{ "169.254.169.254", "169.254.169.254, which is a link-local address" },
		{ "fe80::1", "fe80::1, which is a link-local address" },
		{ "ff02::1", "ff02::1, which is a multicast address" },
	};
	struct world *world = *state;
	struct server server;

	server_start(-1, "127.0.0.1", 7000, SERVER_ECHO, &server);
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		char text[200];
		struct gates *gates;

		(void)snprintf(text, sizeof text, "%s db.example.com\n", turns[i][0]);
		names_write(text);
		gates = begin(world, "db.example.com", 7000);
		expect_reset(world, "198.18.128.1", 7000);
		(void)snprintf(text, sizeof text, "service cache: db.example.com resolves to %s",
			turns[i][1]);
		expect_notice(world, gates, text);
		end(world, gates);
	}
	server_stop(&server);
}

static void a_service_that_is_down_resets_and_is_told_once(void **state)
{
	struct world *world = *state;
	struct gates *gates = begin(world, "127.0.0.1", 6379);
	struct server server;
	char greeting[80];
	struct error err;

	for (int i = 0; i < 10; i++)
		expect_reset(world, "127.0.0.1", 6379);
	expect_notice(world, gates, "service cache (127.0.0.1:6379): connection refused");
	assert_int_equal(gates_read(gates, keep_notice, world, &err), 0);
	assert_int_equal(world->notices, 0);
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	expect_answer(world, "127.0.0.1", 6379, "127.0.0.1");
	server_stop(&server);
	end(world, gates);
}

static void a_stalled_lookup_holds_nobody_up(void **state)
{
	struct world *world = *state;
	const struct gates_service services[] = { { "slow", "slow.example", 7000 },
		{ "cache", "127.0.0.1", 6379 }, { "db", "db.example.com", 7000 } };
	const struct sockaddr_in dns = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct server local, named;
	struct gates *gates;
	struct error err;
	char greeting[80];
	int silent, stalled;

	silent = namespace_socket(world->remote.namespace_fd, AF_INET, SOCK_DGRAM, 0, &err);
	assert_int_equal(bind(silent, (const void *)&dns, sizeof dns), 0);
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &local);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &named);
	names_write("10.99.0.2 db.example.com\n");
	gates = begin_with(world, services, 3);
	stalled = instance_connect(world->app.namespace_fd, "198.18.128.1", 7000);
	assert_true(stalled >= 0);
	for (int i = 0; i < 20; i++) {
		expect_answer(world, "127.0.0.1", 6379, "127.0.0.1");
		expect_answer(world, "198.18.128.3", 7000, "10.99.0.2");
	}
	if (getenv("ISORUN_TEST_LONG")) {
		expect_notice(world, gates,
			"service slow: slow.example does not resolve: no answer in 10 s");
		assert_int_equal(read(stalled, greeting, 1), -1);
		assert_int_equal(errno, ECONNRESET);
	}
	(void)close(stalled), (void)close(silent);
	end(world, gates);
	server_stop(&local), server_stop(&named);
}

static void a_peer_that_does_not_read_holds_nobody_up(void **state)
{
	static char chunk[1 << 16];
	struct world *world = *state;
	const struct gates_service services[] = { { "deaf", "127.0.0.1", 6000 },
		{ "cache", "127.0.0.1", 6379 } };
	struct server deaf, server;
	struct gates *gates;
	char greeting[80];
	int fds[4];

	server_start(-1, "127.0.0.1", 6000, SERVER_DEAF, &deaf);
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	gates = begin_with(world, services, 2);
	for (int i = 0; i < 4; i++) {
		fds[i] = instance_connect(world->app.namespace_fd, "127.0.0.1", 6000);
		for (int j = 0; j < 200; j++)
			if (send(fds[i], chunk, sizeof chunk, MSG_DONTWAIT) < 0)
				(void)usleep(500);
	}
	for (int i = 0; i < 20; i++)
		expect_answer(world, "127.0.0.1", 6379, "127.0.0.1");
	for (int i = 0; i < 4; i++)
		(void)close(fds[i]);
	server_stop(&deaf), server_stop(&server);
	end(world, gates);
}

static void fill_pattern(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		data[i] = (uint8_t)(seed >> 16);
	}
}

static void every_byte_arrives_both_ways_behind_a_half_close(void **state)
{
	struct world *world = *state;
	uint8_t *sent = malloc(BIG), *got = malloc(BIG + 1);
	struct server server;
	struct gates *gates;
	size_t len = 0;
	ssize_t step;
	char line[80];
	pid_t sender;
	int fd;

	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	gates = begin(world, "127.0.0.1", 6379);
	fill_pattern(sent, BIG, 7);
	fd = instance_connect(world->app.namespace_fd, "127.0.0.1", 6379);
	instance_read_line(fd, line, sizeof line);
	sender = fork();
	if (sender == 0) {
		for (size_t put = 0; put < BIG; put += (size_t)step)
			if ((step = write(fd, sent + put, BIG - put)) <= 0)
				_exit(1);
		_exit(shutdown(fd, SHUT_WR) < 0);
	}
	while (len <= BIG && (step = read(fd, got + len, BIG + 1 - len)) > 0)
		len += (size_t)step;
	(void)waitpid(sender, NULL, 0);
	assert_int_equal(len, BIG);
	assert_memory_equal(sent, got, BIG);
	(void)close(fd);
	free(sent);
	free(got);
	end(world, gates);
	server_stop(&server);
}

static void what_a_dead_app_has_sent_is_delivered(void **state)
{
	static char chunk[1 << 20];
	struct world *world = *state;
	struct server server;
	struct gates *gates;
	size_t total = 0;
	int fd;

	server_start(-1, "127.0.0.1", 6379, SERVER_COUNT, &server);
	gates = begin(world, "127.0.0.1", 6379);
	fd = instance_connect(world->app.namespace_fd, "127.0.0.1", 6379);
	for (int i = 0; i < 8; i++)
		assert_int_equal(write(fd, chunk, sizeof chunk), sizeof chunk);
	(void)close(fd);
	end(world, gates);
	assert_int_equal(read(server.counted, &total, sizeof total), sizeof total);
	assert_int_equal(total, 8 * sizeof chunk);
	server_stop(&server);
}

static void a_thousand_connections_are_served_at_once(void **state)
{
	static int fds[MANY];
	struct world *world = *state;
	struct server server;
	struct gates *gates;
	struct rlimit limit;
	char line[80];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 10 * MANY) {
		print_message("skipped: only %u descriptors\n", (unsigned)limit.rlim_max);
		skip();
	}
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &server);
	names_write("10.99.0.2 db.example.com\n");
	gates = begin(world, "db.example.com", 7000);
	for (int i = 0; i < MANY; i++)
		fds[i] = instance_connect(world->app.namespace_fd, "198.18.128.1", 7000);
	for (int i = 0; i < MANY; i++) {
		instance_read_line(fds[i], line, sizeof line);
		assert_string_equal(line, "10.99.0.2");
	}
	for (int i = MANY - 1; i >= 0; i--) {
		assert_int_equal(write(fds[i], "x\n", 2), 2);
		instance_read_line(fds[i], line, sizeof line);
		assert_string_equal(line, "x");
		(void)close(fds[i]);
	}
	end(world, gates);
	server_stop(&server);
}

static void waiting_ends_when_all_answer_or_names_who_does_not(void **state)
{
	struct world *world = *state;
	const struct gates_service services[] = { { "cache", "127.0.0.1", 6379 },
		{ "db", "nobody.example", 5432 } };
	const struct gates_config both = { .services = services, .count = 2 },
				  one = { .services = services, .count = 1 };
	struct gates *gates = NULL;
	struct server server;
	struct error err;

	names_write("10.99.0.1 nobody.example\n");
	assert_int_equal(gates_new(&both, &gates, &err), 0);
	assert_int_equal(gates_wait(gates, 1500, -1, &err), -1);
	assert_string_equal(
		err.text, "service cache does not answer: 127.0.0.1:6379: connection refused");
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	assert_int_equal(gates_wait(gates, 1500, -1, &err), -1);
	assert_string_equal(
		err.text, "service db does not answer: nobody.example:5432: connection refused");
	world->notices = 0;
	assert_int_equal(gates_check(gates, &err), 0);
	expect_notice(world, gates,
		"service db does not answer: nobody.example:5432: connection refused");
	gates_free(gates);

	assert_int_equal(gates_new(&one, &gates, &err), 0);
	assert_int_equal(gates_wait(gates, 5000, -1, &err), 0);
	gates_free(gates);
	server_stop(&server);
}

/* What an ordinary user's isorun does: its gates stay outside, it goes into namespaces. */
static void run_as_user(void)
{
	const struct gates_service services[] = { { "a", "127.0.0.1", 6379 },
		{ "b", "db.example.com", 7000 } };
	const struct gates_config config = { .services = services, .count = 2 };
	struct gates *gates = NULL;
	char greeting[80];
	struct error err;
	int inside, refused;

	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0 ||
		prctl(PR_SET_DUMPABLE, 1) < 0 || gates_new(&config, &gates, &err) < 0)
		_exit(10);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(11);
	inside = namespace_new(&err);
	if (inside < 0 || network_join_alone(inside, &refused, &err) < 0 ||
		gates_open(gates, 0, inside, &err) < 0)
		_exit(12);
	if (strcmp(instance_ask(inside, "127.0.0.1", 6379, greeting), "127.0.0.1") != 0)
		_exit(13);
	if (strcmp(instance_ask(inside, "198.18.128.2", 7000, greeting), "10.99.0.2") != 0)
		_exit(14);
	gates_close(gates, 0);
	gates_free(gates);
	_exit(0);
}

static void an_ordinary_user_has_gates_too(void **state)
{
	struct world *world = *state;
	struct server local, named;
	int status;
	pid_t pid;

	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &local);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &named);
	names_write("10.99.0.2 db.example.com\n");
	pid = fork();
	if (pid == 0)
		run_as_user();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	server_stop(&local), server_stop(&named);
}

static void after_kill_9_no_process_is_left(void **state)
{
	const struct gates_service service = { "db", "db.example.com", 7000 };
	const struct gates_config config = { .services = &service, .count = 1 };
	int ready[2];
	pid_t pid, dead = 0;
	char byte;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* its orphans become ours */
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct gates *gates;
		struct error err;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (gates_new(&config, &gates, &err) == 0)
			assert_int_equal(write(ready[1], "", 1), 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)kill(pid, SIGKILL);
	for (int i = 0; i < 500 && (dead = waitpid(-1, NULL, WNOHANG)) >= 0; i++)
		if (dead == 0)
			(void)usleep(10000);
	assert_int_equal(dead, -1); /* there is nobody to wait for */
	(void)close(ready[0]), (void)close(ready[1]);
}

static int enter_host(void **state)
{
	struct world *world = calloc(1, sizeof *world);

	*state = world;
	if (!world || !instance_enter_host())
		return -1;
	instance_make_remote(&world->remote);
	names_enter("nameserver 10.99.0.2\noptions timeout:20\n");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_own_localhost_is_reached_as_it_is_written),
		cmocka_unit_test(an_app_may_listen_on_the_services_own_port),
		cmocka_unit_test(an_address_of_the_lan_is_reached_and_no_other_port_of_it),
		cmocka_unit_test(behind_a_router_a_gate_is_the_same),
		cmocka_unit_test(a_name_is_looked_up_at_each_connection),
		cmocka_unit_test(a_name_that_turns_to_this_host_is_refused),
		cmocka_unit_test(a_service_that_is_down_resets_and_is_told_once),
		cmocka_unit_test(a_stalled_lookup_holds_nobody_up),
		cmocka_unit_test(a_peer_that_does_not_read_holds_nobody_up),
		cmocka_unit_test(every_byte_arrives_both_ways_behind_a_half_close),
		cmocka_unit_test(what_a_dead_app_has_sent_is_delivered),
		cmocka_unit_test(a_thousand_connections_are_served_at_once),
		cmocka_unit_test(waiting_ends_when_all_answer_or_names_who_does_not),
		cmocka_unit_test(an_ordinary_user_has_gates_too),
		cmocka_unit_test(after_kill_9_no_process_is_left),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("gates", tests, enter_host, NULL);
}
