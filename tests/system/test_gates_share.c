/* Gates with few descriptors left: who takes all it gets leaves room for others. */
#include "../support/instance.h"
#include "../support/server.h"

#include "network/gates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* With so few descriptors there is room for some ninety connections in all. */
enum { FEW = 700, TOO_MANY = 150 };

struct world {
	struct remote remote;
	struct instance hog, other;
};

static struct gates *begin(struct world *world)
{
	static const struct gates_service services[] = { { "cache", "10.99.0.2", 7000 },
		{ "db", "10.99.0.2", 7001 } };
	const struct gates_config config = { .services = services, .count = 2 };
	struct gates *gates = NULL;
	struct error err;

	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FEW, FEW }) < 0)
		_exit(10);
	instance_start(NULL, 0, &world->hog);
	instance_start(NULL, 0, &world->other);
	if (gates_new(&config, &gates, &err) < 0 ||
		gates_open(gates, 0, world->hog.namespace_fd, &err) < 0 ||
		gates_open(gates, 1, world->other.namespace_fd, &err) < 0)
		_exit(11);
	return gates;
}

static bool is_served(int fd)
{
	char line[80];

	instance_read_line(fd, line, sizeof line);
	return strcmp(line, "10.99.0.2") == 0;
}

static void hog(struct world *world)
{
	struct gates *gates = begin(world);
	int fds[TOO_MANY];
	char line[80];

	for (int i = 0; i < TOO_MANY; i++)
		fds[i] = instance_connect(world->hog.namespace_fd, "10.99.0.2", 7000);
	/* Whoever came first is served, and the last one waits. */
	if (!is_served(fds[0]) || recv(fds[TOO_MANY - 1], line, 1, MSG_DONTWAIT) >= 0)
		_exit(12);
	/* Another service answers the same app, and both answer another app. */
	if (strcmp(instance_ask(world->hog.namespace_fd, "10.99.0.2", 7001, line), "10.99.0.2") !=
		0)
		_exit(13);
	for (unsigned short port = 7000; port <= 7001; port++)
		if (strcmp(instance_ask(world->other.namespace_fd, "10.99.0.2", port, line),
			    "10.99.0.2") != 0)
			_exit(14);
	for (int i = 0; i < TOO_MANY - 1; i++)
		(void)close(fds[i]);
	if (!is_served(fds[TOO_MANY - 1]))
		_exit(15);
	instance_stop(&world->hog);
	instance_stop(&world->other);
	gates_close(gates, 0);
	gates_close(gates, 1);
	gates_free(gates);
	_exit(0);
}

static void one_that_takes_all_it_gets_leaves_room_for_others(void **state)
{
	struct world *world = *state;
	struct server cache, db;
	int status;
	pid_t pid;

	server_start(world->remote.namespace_fd, "10.99.0.2", 7000, SERVER_ECHO, &cache);
	server_start(world->remote.namespace_fd, "10.99.0.2", 7001, SERVER_ECHO, &db);
	pid = fork();
	if (pid == 0)
		hog(world);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	server_stop(&cache), server_stop(&db);
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
		cmocka_unit_test(one_that_takes_all_it_gets_leaves_room_for_others),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("gates_share", tests, enter_host, NULL);
}
