/* The address plan: pure arithmetic, so that what is asked of the kernel elsewhere is a value that
 * a test can look at. */
#include "network/address.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	INSIDE = 0xc6120000,  /* 198.18.0.0 */
	OUTSIDE = 0xc6130000, /* 198.19.0.0 */
	FIRST_SLOT = 2,
	FIRST_GATE = 0x8001, /* 198.18.128.1 */
	WAY_OUT = 0xff01,    /* 198.18.255.1 */
	WAY_OUT6 = 0x1ffff,
	RESOLVER = 0xff35, /* 198.18.255.53 */
	FIRST_GATE6 = 0x10001,
};

static struct netlink_address make_v4(uint32_t address)
{
	return (struct netlink_address){ .family = AF_INET, .v4.s_addr = htonl(address) };
}

/* "isorun" as a unique local prefix, the network 0 or 1, and the last 32 bits. */
static struct netlink_address make_v6(uint8_t network, uint32_t last)
{
	struct netlink_address made = {
		.family = AF_INET6,
		.bytes = { 0xfd, 'i', 's', 'o', 'r', 'u', 'n', network },
	};

	last = htonl(last);
	memcpy(made.bytes + 12, &last, sizeof last);
	return made;
}

struct netlink_address address_gateway(int family)
{
	return family == AF_INET6 ? make_v6(0, 1) : make_v4(INSIDE + 1);
}

struct netlink_address address_instance(int family, unsigned slot)
{
	return family == AF_INET6 ? make_v6(0, FIRST_SLOT + slot)
				  : make_v4(INSIDE + FIRST_SLOT + slot);
}

struct netlink_address address_gate(int family, unsigned index)
{
	return family == AF_INET6 ? make_v6(0, FIRST_GATE6 + index)
				  : make_v4(INSIDE + FIRST_GATE + index);
}

struct netlink_address address_way_out(int family)
{
	return family == AF_INET6 ? make_v6(0, WAY_OUT6) : make_v4(INSIDE + WAY_OUT);
}

struct netlink_address address_resolver(void)
{
	return make_v4(INSIDE + RESOLVER);
}

void address_uplink(uint32_t network, struct address_uplink *ret)
{
	(void)snprintf(ret->name, sizeof ret->name, "iso-%08x", network);
	ret->host = make_v4(network + 1);
	ret->router = make_v4(network + 2);
	ret->host6 = make_v6(1, network + 1);
	ret->router6 = make_v6(1, network + 2);
}

static int bad_range(const char *text, struct error *err)
{
	error_set(err, ERROR_CONFIG, "ISORUN_NETWORK: \"%.60s\" is not an IPv4 range", text);
	return error_hint(err, "for example 10.20.0.0/16; a prefix from 8 to 30");
}

int address_range_parse(const char *text, struct address_range *ret, struct error *err)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char address[INET_ADDRSTRLEN];
	struct in_addr first;
	uint64_t prefix;

	if (!text) {
		*ret = (struct address_range){ .first = OUTSIDE, .count = 1 << 16 };
		return 0;
	}
	if (!slash || (size_t)(slash - text) >= sizeof address)
		return bad_range(text, err);
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton(AF_INET, address, &first) != 1 ||
		number_parse(slash + 1, 30, &prefix, err) < 0 || prefix < 8)
		return bad_range(text, err);
	ret->count = UINT32_C(1) << (32 - prefix);
	ret->first = ntohl(first.s_addr) & ~(ret->count - 1);
	return 0;
}

static int parse_v6(const char *text, struct netlink_address *ret)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strlen(text);

	if (len < 4 || len - 2 >= sizeof address || text[len - 1] != ']')
		return 0;
	memcpy(address, text + 1, len - 2);
	address[len - 2] = '\0';
	ret->family = AF_INET6;
	return inet_pton(AF_INET6, address, &ret->v6);
}

int address_published_parse(const char *text, struct netlink_address ret[2], struct error *err)
{
	struct netlink_address parsed = { .family = AF_INET };

	if (strcmp(text, "*") == 0) {
		ret[0] = (struct netlink_address){ .family = AF_INET };
		ret[1] = (struct netlink_address){ .family = AF_INET6 };
		return 2;
	}
	if (text[0] == '[' ? parse_v6(text, &parsed) != 1
			   : inet_pton(AF_INET, text, &parsed.v4) != 1) {
		error_set(err, ERROR_CONFIG, "address \"%.60s\" is not one to publish on", text);
		return error_hint(err, "for example 127.0.0.1, 0.0.0.0, [::1] or *");
	}
	ret[0] = parsed;
	return 1;
}

bool address_is_any(const struct netlink_address *address)
{
	return address->family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address->v6)
					   : address->v4.s_addr == INADDR_ANY;
}

bool address_is_loopback(const struct netlink_address *address)
{
	return address->family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&address->v6)
					   : address->bytes[0] == 127;
}

static const char *odd_v4(const uint8_t bytes[4])
{
	if (bytes[0] == 127 || bytes[0] == 0)
		return "this host itself";
	if (bytes[0] == 169 && bytes[1] == 254)
		return "a link-local address";
	return bytes[0] >= 224 && bytes[0] < 240 ? "a multicast address" : NULL;
}

const char *address_is_odd(const struct netlink_address *address)
{
	if (address->family == AF_INET)
		return odd_v4(address->bytes);
	if (IN6_IS_ADDR_V4MAPPED(&address->v6) || IN6_IS_ADDR_V4COMPAT(&address->v6))
		return odd_v4(address->bytes + 12);
	if (IN6_IS_ADDR_LOOPBACK(&address->v6) || IN6_IS_ADDR_UNSPECIFIED(&address->v6))
		return "this host itself";
	if (IN6_IS_ADDR_LINKLOCAL(&address->v6))
		return "a link-local address";
	return IN6_IS_ADDR_MULTICAST(&address->v6) ? "a multicast address" : NULL;
}

bool address_parse(const char *text, struct netlink_address *ret)
{
	struct netlink_address parsed = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(parsed.family, text, parsed.bytes) != 1)
		return false;
	*ret = parsed;
	return true;
}

socklen_t address_fill(
	const struct netlink_address *address, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	ret->ss_family = (sa_family_t)address->family;
	if (address->family == AF_INET6) {
		v6->sin6_addr = address->v6;
		v6->sin6_port = htons(port);
		return sizeof *v6;
	}
	v4->sin_addr = address->v4;
	v4->sin_port = htons(port);
	return sizeof *v4;
}

void address_print_host(const struct netlink_address *address, char text[ADDRESS_TEXT])
{
	char inner[INET6_ADDRSTRLEN];

	(void)inet_ntop(
		address->family, address->bytes, inner, sizeof inner); /* both families fit */
	(void)snprintf(text, ADDRESS_TEXT, address->family == AF_INET6 ? "[%s]" : "%s", inner);
}

void address_print(const struct netlink_address *address, uint16_t port, char text[ADDRESS_TEXT])
{
	size_t len;

	address_print_host(address, text);
	len = strlen(text);
	(void)snprintf(text + len, ADDRESS_TEXT - len, ":%u", (unsigned)port);
}
