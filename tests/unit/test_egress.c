/* Egress "open" as values: packets, who may be reached, and resolv.conf. */
#include "../../src/network/egress_datagram.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct egress_end make_end(const char *address, uint16_t port)
{
	struct egress_end end = { .port = port };

	assert_true(address_parse(address, &end.address));
	return end;
}

/* RFC 1071, written down again: a packet whose sum is right adds up to nothing. */
static uint16_t sum(uint32_t total, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		total += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

static void a_datagram_over_ipv4_has_two_headers(void **state)
{
	const struct egress_end from = make_end("8.8.8.8", 53), to = make_end("198.18.0.2", 4711);
	static const uint8_t expected[] = { 0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 8, 8, 8, 8,
		198, 18, 0, 2, 0, 53, 0x12, 0x67, 0, 11, 0, 0 };
	uint8_t head[EGRESS_PACKET_HEAD];

	(void)state;
	assert_int_equal(egress_packet(&from, &to, (const void *)"abc", 3, head), sizeof expected);
	assert_memory_equal(head, expected, sizeof expected);
}

static void a_datagram_over_ipv6_has_a_sum(void **state)
{
	const struct egress_end from = make_end("2001:db8::9", 53), to = make_end("fd69::2", 4711);
	static const uint8_t texts[][4] = { "abc", "", { 0xff, 0xff, 0xff }, { 0, 0, 0x7b } };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		for (size_t len = 0; len <= 3; len++) {
			uint8_t packet[EGRESS_PACKET_HEAD + 3];

			assert_int_equal(egress_packet(&from, &to, texts[i], len, packet), 48);
			memcpy(packet + 48, texts[i], len);
			assert_int_equal(packet[6], 17);
			assert_int_equal(packet[4] << 8 | packet[5], 8 + len);
			assert_true(packet[46] || packet[47]); /* 0 would say that there is none */
			assert_int_equal(
				sum((uint32_t)(8 + len + 17), packet + 8, 40 + len), 0xffff);
		}
	}
}

static void a_refusal_quotes_what_was_sent(void **state)
{
	const struct egress_end from = make_end("198.18.0.2", 4711), to = make_end("8.8.8.8", 53);
	const struct egress_end from6 = make_end("fd69::2", 4711),
				to6 = make_end("2001:db8::9", 53);
	uint8_t packet[EGRESS_REFUSAL];

	(void)state;
	assert_int_equal(egress_refusal(&from, &to, packet), 20 + 8 + 20 + 8);
	assert_memory_equal(packet + 12, "\x08\x08\x08\x08\xc6\x12\x00\x02", 8);
	assert_memory_equal(packet + 20, "\x03\x03", 2);
	assert_memory_equal(packet + 28 + 12, "\xc6\x12\x00\x02\x08\x08\x08\x08", 8);
	assert_memory_equal(packet + 48, "\x12\x67\x00\x35", 4);
	assert_int_equal(sum(0, packet + 20, 36), 0xffff);

	assert_int_equal(egress_refusal(&from6, &to6, packet), 40 + 8 + 40 + 8);
	assert_memory_equal(packet + 40, "\x01\x04", 2);
	assert_int_equal(packet[6], 58);
	assert_int_equal(sum(56 + 58, packet + 8, 32 + 56), 0xffff);
}

static void nobody_is_led_to_the_host_itself_or_to_isoruns_networks(void **state)
{
	static const char *const barred[] = { "127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "198.18.0.1",
		"198.19.255.255", "10.20.0.0", "10.20.255.255", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:0.0.0.0", "::ffff:10.20.0.1", "::127.0.0.1", "ff02::1", "fe80::1",
		"fd69:736f:7275:6e00::1", "fd69:736f:7275:6e01::1" };
	static const char *const fine[] = { "1.1.1.1", "10.19.255.255", "10.21.0.0", "126.0.0.1",
		"128.0.0.1", "169.254.169.254", "192.168.1.1", "198.17.0.1", "198.20.0.1",
		"223.255.255.255", "2001:db8::1", "fd69:736f:7275:6f00::1", "fc00::1",
		"::ffff:1.1.1.1" };
	struct address_range own;
	struct error err;

	(void)state;
	assert_int_equal(address_range_parse("10.20.0.0/16", &own, &err), 0);
	for (size_t i = 0; i < sizeof barred / sizeof *barred; i++) {
		const struct egress_end end = make_end(barred[i], 1);

		if (!egress_is_barred(&end.address, &own))
			fail_msg("%s is not barred", barred[i]);
	}
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		const struct egress_end end = make_end(fine[i], 1);

		if (egress_is_barred(&end.address, &own))
			fail_msg("%s is barred", fine[i]);
	}
}

static void a_question_goes_to_the_hosts_name_servers_in_turn(void **state)
{
	struct egress egress = { 0 };
	const struct egress_end inside = make_end("198.18.255.53", 53);
	const struct egress_end other = make_end("198.18.255.53", 54);
	struct egress_end to;

	(void)state;
	egress_names_parse("nameserver 127.0.0.53\nnameserver 192.0.2.1\n", &egress.names);
	assert_true(egress_aim(&egress, &inside, 0, &to));
	assert_int_equal(to.address.v4.s_addr, inet_addr("127.0.0.53"));
	assert_true(egress_aim(&egress, &inside, 1, &to));
	assert_int_equal(to.address.v4.s_addr, inet_addr("192.0.2.1"));
	assert_false(egress_aim(&egress, &inside, 2, &to));
	egress.names.good = 1;
	assert_true(egress_aim(&egress, &inside, 1, &to));
	assert_int_equal(to.address.v4.s_addr, inet_addr("127.0.0.53"));
	assert_false(egress_aim(&egress, &other, 0, &to));
}

static void name_servers_are_read_as_libc_reads_them(void **state)
{
	static const struct {
		const char *text;
		const char *servers[4];
	} cases[] = {
		{ "", { "127.0.0.1" } },
		{ "# nameserver 1.1.1.1\n;nameserver 1.1.1.1\n", { "127.0.0.1" } },
		{ "nameserver 1.1.1.1", { "1.1.1.1" } },
		{ "options rotate\nnameserver\t2001:db8::1 # here\nnameserver  9.9.9.9\r\n",
			{ "2001:db8::1", "9.9.9.9" } },
		{ "nameserver fe80::1%lo\n", { "fe80::1" } },
		{ "nameserver one\nnameserver 1.2.3\nnameserver 1.1.1.1\n", { "1.1.1.1" } },
		{ "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"
		  "nameserver 1.1.1.4\n",
			{ "1.1.1.1", "1.1.1.2", "1.1.1.3" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct egress_names names;
		unsigned count = 0;

		egress_names_parse(cases[i].text, &names);
		for (; cases[i].servers[count]; count++) {
			struct egress_end end = make_end(cases[i].servers[count], 53);

			assert_true(egress_end_is(&names.servers[count], &end));
		}
		assert_int_equal(names.count, count);
	}
}

static void the_search_list_is_kept_and_nothing_else(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "domain a.example\nsearch b.example c\noptions rotate\n",
			"search b.example c\n" },
		{ "search b.example\n\n", "search b.example\n" },
		{ "search b.example\033[31m\n", "" },
		{ "searching b.example\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP_BUF struct buf text = { 0 };
		char expected[80];

		(void)snprintf(
			expected, sizeof expected, "nameserver 198.18.255.53\n%s", cases[i][1]);
		egress_names_print(cases[i][0], &text);
		assert_string_equal(text.data, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_over_ipv4_has_two_headers),
		cmocka_unit_test(a_datagram_over_ipv6_has_a_sum),
		cmocka_unit_test(a_refusal_quotes_what_was_sent),
		cmocka_unit_test(nobody_is_led_to_the_host_itself_or_to_isoruns_networks),
		cmocka_unit_test(a_question_goes_to_the_hosts_name_servers_in_turn),
		cmocka_unit_test(name_servers_are_read_as_libc_reads_them),
		cmocka_unit_test(the_search_list_is_kept_and_nothing_else),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
