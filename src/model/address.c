/* Addresses that ports are published on: literals only, because a name may change between the check
 * and the bind. */
#include "read.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <string.h>

/* The address in its one spelling, or NULL. */
static char *normalize(const char *text)
{
	CLEANUP_FREE char *bare = memory_copy_str(text);
	char shown[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t len = strlen(text);

	if (strcmp(text, "*") == 0)
		return memory_copy_str("*");
	if (inet_pton(AF_INET, text, bytes) == 1)
		return memory_copy_str(inet_ntop(AF_INET, bytes, shown, sizeof shown));
	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return NULL;
	bare[len - 1] = '\0';
	if (inet_pton(AF_INET6, bare + 1, bytes) != 1)
		return NULL;
	return memory_format("[%s]", inet_ntop(AF_INET6, bytes, shown, sizeof shown));
}

int read_address(const char *text, char **ret_address, uint16_t *ret_port, struct error *err)
{
	const char *colon = strrchr(text, ':');
	CLEANUP_FREE char *given =
		colon ? memory_format("%.*s", (int)(colon - text), text) : memory_copy_str("*");
	CLEANUP_FREE char *address = NULL;
	uint64_t port;

	if (number_parse(colon ? colon + 1 : text, UINT16_MAX, &port, err) < 0 || port == 0)
		return error_set(err, ERROR_CONFIG, "\"%.80s\" is not a port from 1 to 65535",
			colon ? colon + 1 : text);
	address = normalize(given);
	if (!address) {
		error_set(err, ERROR_CONFIG, "\"%.80s\" is not an address", given);
		return error_hint(err, "127.0.0.1, [::1], 0.0.0.0 or * for all");
	}
	*ret_address = STEAL(address);
	*ret_port = (uint16_t)port;
	return 0;
}
