/* The address plan: what is where, without asking a kernel. */
#include "network/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct netlink_address *address, const char *wanted)
{
	char text[ADDRESS_TEXT];

	address_print(address, 1, text);
	assert_string_equal(text, wanted);
}

static void every_machine_has_the_same_addresses_inside(void **state)
{
	struct netlink_address at;

	(void)state;
	at = address_gateway(AF_INET);
	expect(&at, "198.18.0.1:1");
	at = address_gateway(AF_INET6);
	expect(&at, "[fd69:736f:7275:6e00::1]:1");
	at = address_instance(AF_INET, 0);
	expect(&at, "198.18.0.2:1");
	at = address_instance(AF_INET, 999);
	expect(&at, "198.18.3.233:1");
	at = address_instance(AF_INET6, 999);
	expect(&at, "[fd69:736f:7275:6e00::3e9]:1");
	at = address_gate(AF_INET, 255);
	expect(&at, "198.18.129.0:1");
	at = address_gate(AF_INET6, 0);
	expect(&at, "[fd69:736f:7275:6e00::1:1]:1");
}

static void some_addresses_are_no_other_machines(void **state)
{
	static const struct {
		const char *address, *is;
	} rows[] = {
		{ "10.0.0.1", NULL },
		{ "2001:db8::1", NULL },
		{ "240.0.0.1", NULL },
		{ "127.0.0.1", "this host itself" },
		{ "127.1.2.3", "this host itself" },
		{ "0.0.0.0", "this host itself" },
		{ "0.1.2.3", "this host itself" },
		{ "::", "this host itself" },
		{ "::1", "this host itself" },
		{ "::ffff:127.0.0.1", "this host itself" },
		{ "::ffff:10.0.0.1", NULL },
		{ "169.254.169.254", "a link-local address" },
		{ "fe80::1", "a link-local address" },
		{ "::ffff:169.254.1.1", "a link-local address" },
		{ "224.0.0.1", "a multicast address" },
		{ "ff02::1", "a multicast address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct netlink_address at;
		const char *is;

		assert_true(address_parse(rows[i].address, &at));
		is = address_is_odd(&at);
		assert_string_equal(is ? is : "", rows[i].is ? rows[i].is : "");
	}
}

static void the_hosts_interface_says_its_network(void **state)
{
	struct address_uplink uplink;

	(void)state;
	address_uplink(0xc6130004, &uplink);

	assert_string_equal(uplink.name, "iso-c6130004");
	expect(&uplink.host, "198.19.0.5:1");
	expect(&uplink.router, "198.19.0.6:1");
	expect(&uplink.host6, "[fd69:736f:7275:6e01::c613:5]:1");
	expect(&uplink.router6, "[fd69:736f:7275:6e01::c613:6]:1");
}

static void a_range_is_read_strictly(void **state)
{
	static const char *const bad[] = { "", "10.0.0.0", "10.0.0.0/", "10.0.0.0/31", "10.0.0.0/7",
		"10.0.0/16", "10.0.0.0/16 ", "10.0.0.0/+16", "fd00::/16",
		"1111111111111111111/16" };
	struct address_range range;
	struct error err;

	(void)state;
	assert_int_equal(address_range_parse(NULL, &range, &err), 0);
	assert_int_equal(range.first, 0xc6130000);
	assert_int_equal(range.count, 65536);

	assert_int_equal(address_range_parse("10.20.3.4/16", &range, &err), 0);
	assert_int_equal(range.first, 0x0a140000);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(address_range_parse(bad[i], &range, &err), -1);
	assert_string_equal(
		err.text, "ISORUN_NETWORK: \"1111111111111111111/16\" is not an IPv4 range");
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void a_star_is_both_families(void **state)
{
	struct netlink_address at[2];
	struct error err;

	(void)state;
	assert_int_equal(address_published_parse("*", at, &err), 2);
	expect(&at[0], "0.0.0.0:1");
	expect(&at[1], "[::]:1");
	assert_true(address_is_any(&at[0]) && address_is_any(&at[1]));

	assert_int_equal(address_published_parse("[::1]", at, &err), 1);
	assert_true(address_is_loopback(&at[0]));
	assert_int_equal(address_published_parse("127.0.0.9", at, &err), 1);
	assert_true(address_is_loopback(&at[0]));
}

static void a_bad_address_is_named(void **state)
{
	static const char *const bad[] = { "", "::1", "[::1", "[]", "localhost", "1.2.3",
		"1.2.3.4 ", "[1.2.3.4]", "**" };
	struct netlink_address at[2];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(address_published_parse(bad[i], at, &err), -1);
	assert_string_equal(err.text, "address \"**\" is not one to publish on");
	assert_string_equal(err.hint, "for example 127.0.0.1, 0.0.0.0, [::1] or *");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_machine_has_the_same_addresses_inside),
		cmocka_unit_test(some_addresses_are_no_other_machines),
		cmocka_unit_test(the_hosts_interface_says_its_network),
		cmocka_unit_test(a_range_is_read_strictly),
		cmocka_unit_test(a_star_is_both_families),
		cmocka_unit_test(a_bad_address_is_named),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
