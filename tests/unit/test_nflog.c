/* Reading where logged packets were going: whole ones, and whatever an app may make of them. */
#include "kernel/nflog.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct seen {
	unsigned count;
	struct nflog_packet last;
};

static const uint8_t syn4[] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 2, 93, 184,
	216, 34, 0xc0, 0, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0 };

static void keep(void *context, const struct nflog_packet *packet)
{
	struct seen *seen = context;

	seen->count++;
	seen->last = *packet;
}

/* One message as the kernel sends it. */
static void take(const uint8_t *packet, size_t len, struct seen *ret)
{
	_Alignas(8) char text[2048];
	struct nlmsghdr *message = mnl_nlmsg_put_header(text);

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	(void)mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	mnl_attr_put_u32(message, NFULA_IFINDEX_INDEV, htonl(101));
	mnl_attr_put(message, NFULA_PAYLOAD, len, packet);
	*ret = (struct seen){ 0 };
	nflog_take(text, message->nlmsg_len, keep, ret);
}

static const char *print(const struct seen *seen)
{
	static char text[96];
	char to[INET6_ADDRSTRLEN];

	if (seen->count != 1)
		return seen->count ? "several" : "none";
	(void)inet_ntop(seen->last.to.family, seen->last.to.bytes, to, sizeof to);
	(void)snprintf(text, sizeof text, "%d: %u %s %u", seen->last.in, seen->last.protocol, to,
		seen->last.port);
	return text;
}

static void a_connection_has_an_address_and_a_port(void **state)
{
	struct seen seen;

	(void)state;
	take(syn4, sizeof syn4, &seen);
	assert_string_equal(print(&seen), "101: 6 93.184.216.34 443");
}

static void a_segment_that_opens_nothing_is_left_out(void **state)
{
	uint8_t packet[sizeof syn4];
	struct seen seen;

	(void)state;
	memcpy(packet, syn4, sizeof packet);
	for (unsigned flags = 0; flags < 256; flags++) {
		packet[33] = (uint8_t)flags;
		take(packet, sizeof packet, &seen);
		assert_int_equal(seen.count, (flags & 0x12) == 0x02);
	}
}

static void options_and_extensions_are_passed(void **state)
{
	static const uint8_t with_options[] = { 0x46, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 198, 18,
		0, 2, 8, 8, 8, 8, 1, 1, 1, 0, 0, 7, 0, 53, 0, 8, 0, 0 };
	static const uint8_t with_headers[] = { 0x60, 0, 0, 0, 0, 32, 0, 64, /* hop by hop */
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,           /* from */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,  /* to */
		60, 0, 0, 0, 0, 0, 0, 0,                                     /* options */
		44, 0, 0, 0, 0, 0, 0, 0,                                     /* fragment */
		17, 0, 0, 1, 0, 0, 0, 1, 0, 7, 0x1f, 0x90, 0, 8, 0, 0 };     /* UDP */
	uint8_t later[sizeof with_headers];
	struct seen seen;

	(void)state;
	take(with_options, sizeof with_options, &seen);
	assert_string_equal(print(&seen), "101: 17 8.8.8.8 53");
	take(with_headers, sizeof with_headers, &seen);
	assert_string_equal(print(&seen), "101: 17 2001:db8::9 8080");

	memcpy(later, with_headers, sizeof later);
	later[58] = 1;
	take(later, sizeof later, &seen);
	assert_string_equal(print(&seen), "none");
}

static void what_the_kernel_sends_by_itself_is_left_out(void **state)
{
	uint8_t packet[48] = { 0x60, 0, 0, 0, 0, 8, 58, 255 };
	static const uint8_t igmp[] = { 0x46, 0, 0, 32, 0, 0, 0, 0, 1, 2, 0, 0, 198, 18, 0, 2, 224,
		0, 0, 22, 0x94, 4, 0, 0, 0x22, 0, 0, 0, 0, 0, 0, 0 };
	struct seen seen;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		packet[40] = (uint8_t)type;
		take(packet, sizeof packet, &seen);
		assert_int_equal(seen.count, type == 128); /* an echo request is an app's */
	}
	take(igmp, sizeof igmp, &seen);
	assert_int_equal(seen.count, 0);
}

static void what_is_cut_off_or_nonsense_is_left_out(void **state)
{
	uint8_t packet[sizeof syn4];
	struct seen seen;

	(void)state;
	for (size_t len = 0; len < 34; len++) {
		take(syn4, len, &seen);
		assert_string_equal(print(&seen), "none");
	}
	for (unsigned first = 0; first < 256; first++) {
		memcpy(packet, syn4, sizeof packet);
		packet[0] = (uint8_t)first;
		take(packet, sizeof packet, &seen); /* need only not be read beyond its end */
		if (first >> 4 != 4 && first >> 4 != 6)
			assert_int_equal(seen.count, 0);
	}
	memcpy(packet, syn4, sizeof packet);
	packet[7] = 9; /* a later fragment */
	take(packet, sizeof packet, &seen);
	assert_int_equal(seen.count, 0);
	nflog_take("", 0, keep, &seen);
	assert_int_equal(seen.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_has_an_address_and_a_port),
		cmocka_unit_test(a_segment_that_opens_nothing_is_left_out),
		cmocka_unit_test(options_and_extensions_are_passed),
		cmocka_unit_test(what_the_kernel_sends_by_itself_is_left_out),
		cmocka_unit_test(what_is_cut_off_or_nonsense_is_left_out),
	};

	return cmocka_run_group_tests_name("nflog", tests, NULL, NULL);
}
