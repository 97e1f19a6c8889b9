/* Gates when connections are more than there are descriptors for: each gate has its share. */
#include "../support/instance.h"
#include "../support/server.h"

#include "network/gates.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FEW = 300, HOG = 60 };

struct world {
	struct instance app;
	char notice[400];
	unsigned notices;
};

static void keep_notice(void *context, const char *line)
{
	struct world *world = context;

	(void)snprintf(world->notice, sizeof world->notice, "%s", line);
	world->notices++;
}

static void expect_notice(struct world *world, struct gates *gates, const char *wanted)
{
	struct pollfd readable = { .fd = gates_fd(gates), .events = POLLIN };
	struct error err;

	world->notices = 0;
	for (int i = 0; i < 150 && world->notices == 0; i++) {
		(void)poll(&readable, 1, 100);
		assert_int_equal(gates_read(gates, keep_notice, world, &err), 0);
	}
	assert_int_equal(world->notices, 1);
	assert_non_null(strstr(world->notice, wanted));
}

/* Gates with few descriptors, open in two namespaces. */
static struct gates *begin_scarce(struct world *world, const struct gates_service *services,
	size_t count, struct instance *second)
{
	const struct rlimit few = { FEW, FEW };
	const struct gates_config config = { .services = services, .count = count };
	struct gates *gates = NULL;
	struct error err;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	instance_start(NULL, 0, &world->app);
	instance_start(NULL, 0, second);
	if (gates_new(&config, &gates, &err) < 0 ||
		gates_open(gates, 0, world->app.namespace_fd, &err) < 0 ||
		gates_open(gates, 1, second->namespace_fd, &err) < 0)
		fail_msg("%s", err.text);
	return gates;
}

static void end(struct world *world, struct gates *gates, struct instance *second)
{
	instance_stop(&world->app);
	instance_stop(second);
	gates_close(gates, 0);
	gates_close(gates, 1);
	gates_free(gates);
}

static void who_holds_many_connections_keeps_no_other_from_a_service(void **state)
{
	struct world *world = *state;
	const struct gates_service service = { "cache", "127.0.0.1", 6379 };
	struct server server;
	struct instance other;
	struct gates *gates;
	char greeting[80];
	int fds[HOG];

	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	gates = begin_scarce(world, &service, 1, &other);
	for (int i = 0; i < HOG; i++)
		fds[i] = instance_connect(world->app.namespace_fd, "127.0.0.1", 6379);
	for (int i = 0; i < 20; i++)
		assert_string_equal(
			instance_ask(other.namespace_fd, "127.0.0.1", 6379, greeting), "127.0.0.1");
	expect_notice(world, gates, " connections, its next ones wait");
	for (int i = 0; i < HOG; i++) { /* each goes on when one before it ends */
		instance_read_line(fds[i], greeting, sizeof greeting);
		assert_string_equal(greeting, "127.0.0.1");
		(void)close(fds[i]);
	}
	end(world, gates, &other);
	server_stop(&server);
}

static void a_service_that_takes_nobody_keeps_no_other_from_answering(void **state)
{
	struct world *world = *state;
	const struct gates_service services[] = { { "full", "127.0.0.1", 6000 },
		{ "cache", "127.0.0.1", 6379 } };
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(6000) };
	int full = socket(AF_INET, SOCK_STREAM, 0), filler[3], fds[HOG];
	struct server server;
	struct instance other;
	struct gates *gates;
	char greeting[80];

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(full, (void *)&name, sizeof name), 0);
	assert_int_equal(listen(full, 0), 0);
	for (int i = 0; i < 3; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(filler[i], (void *)&name, sizeof name);
	}
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	gates = begin_scarce(world, services, 2, &other);
	for (int i = 0; i < HOG; i++)
		fds[i] = instance_connect(world->app.namespace_fd, "127.0.0.1", 6000);
	for (int i = 0; i < 20; i++) {
		assert_string_equal(
			instance_ask(world->app.namespace_fd, "127.0.0.1", 6379, greeting),
			"127.0.0.1");
		assert_string_equal(
			instance_ask(other.namespace_fd, "127.0.0.1", 6379, greeting), "127.0.0.1");
	}
	expect_notice(world, gates, " connections, its next ones wait");
	expect_notice(world, gates, "service full (127.0.0.1:6000): connection timed out");
	for (int i = 0; i < HOG; i++)
		(void)close(fds[i]);
	for (int i = 0; i < 3; i++)
		(void)close(filler[i]);
	(void)close(full);
	end(world, gates, &other);
	server_stop(&server);
}

static int enter_host(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state && instance_enter_host() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_holds_many_connections_keeps_no_other_from_a_service),
		cmocka_unit_test(a_service_that_takes_nobody_keeps_no_other_from_answering),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("gates_shares", tests, enter_host, NULL);
}
