/* Ports published by the kernel, in a host of the test's own. */
#include "../support/instance.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void print_notice(void *context, const char *line)
{
	(void)context;
	print_message("notice: %s\n", line);
}

static struct network *make_network(const char *address)
{
	const struct network_port port = { .address = address, .outside = 5000, .inside = 5000 };
	const struct network_config config = {
		.ports = &port, .port_count = 1, .notice = print_notice
	};
	struct network *network;
	struct error err;

	if (network_new(&config, &network, &err) < 0)
		fail_msg("%s", err.text);
	return network;
}

static void publish(struct network *network, const unsigned *slots, size_t count)
{
	struct error err;

	if (network_publish(network, 0, slots, count, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_client_on_loopback_reaches_an_instance(void **state)
{
	static const unsigned slots[] = { 0 };
	struct network *network = make_network("127.0.0.1");
	struct instance web;
	char greeting[80];

	(void)state;
	instance_start(network, 0, &web);
	assert_string_equal(instance_ask(-1, "127.0.0.1", 5000, greeting), "Connection refused");
	publish(network, slots, 1);
	assert_string_equal(instance_ask(-1, "127.0.0.1", 5000, greeting), "0 198.18.0.1");
	publish(network, NULL, 0);
	assert_string_equal(instance_ask(-1, "127.0.0.1", 5000, greeting), "Connection refused");
	instance_stop(&web);
	network_free(network);
}

static int enter_host(void **state)
{
	(void)state;
	return instance_enter_host() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_on_loopback_reaches_an_instance),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("network", tests, enter_host, NULL);
}
