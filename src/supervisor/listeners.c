/* Listening sockets of another network namespace, from procfs: it needs neither a join nor ptrace.
 *
 * The kernel prints an address as hexadecimal words in host byte order. */
#include "supervisor/listeners.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { TCP_LISTENING = 0x0a, NET_FILE_MAX = 1 << 22 };

static bool is_loopback_v6(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static void add_listener(struct listeners *ret, const uint32_t *words, bool v6, unsigned port)
{
	struct listener *listener = &ret->items[ret->count];
	struct in6_addr address;

	if (ret->count == LISTENERS_MAX)
		return;
	memcpy(&address, words, v6 ? 16 : 4);
	if (!inet_ntop(
		    v6 ? AF_INET6 : AF_INET, &address, listener->address, sizeof listener->address))
		return;
	listener->port = (uint16_t)port;
	listener->loopback = v6 ? is_loopback_v6(&address) : address.s6_addr[0] == 127;
	ret->count++;
}

static void parse_line(const char *line, bool v6, struct listeners *ret)
{
	uint32_t words[4] = { 0 };
	unsigned port, state;
	int parsed;

	if (v6)
		parsed = sscanf(line, " %*u: %8x%8x%8x%8x:%4x %*32[0-9A-F]:%*4x %2x", &words[0],
			&words[1], &words[2], &words[3], &port, &state);
	else
		parsed = sscanf(
			line, " %*u: %8x:%4x %*8[0-9A-F]:%*4x %2x", &words[0], &port, &state);
	if (parsed == (v6 ? 6 : 3) && state == TCP_LISTENING)
		add_listener(ret, words, v6, port);
}

void listeners_parse(const char *text, bool v6, struct listeners *ret)
{
	const char *line = text;

	while (line) {
		parse_line(line, v6, ret);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
}

void listeners_read(pid_t pid, struct listeners *ret)
{
	static const char *const files[] = { "tcp", "tcp6" };

	*ret = (struct listeners){ 0 };
	for (int v6 = 0; v6 < 2; v6++) {
		CLEANUP_BUF struct buf text = { 0 };
		struct error ignored;
		char path[64];

		(void)snprintf(
			path, sizeof path, "/proc/%d/net/%s", (int)pid, files[v6]); /* fits */
		if (file_read_at(AT_FDCWD, path, NET_FILE_MAX, &text, &ignored) == 0 && text.data)
			listeners_parse(text.data, v6, ret);
	}
}

static const struct listener *find(const struct listeners *listeners, bool loopback, uint16_t port)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->items[i].loopback == loopback &&
			(port == 0 || listeners->items[i].port == port))
			return &listeners->items[i];
	return NULL;
}

bool listeners_explain(const struct listeners *listeners, uint16_t port, char text[LISTENERS_TEXT])
{
	const struct listener *other = find(listeners, false, 0);
	const struct listener *inside = find(listeners, true, port);

	if (find(listeners, false, port))
		return false;
	if (!inside && !other)
		inside = find(listeners, true, 0);
	if (inside)
		(void)snprintf(text, LISTENERS_TEXT,
			"listens on %s%s%s:%u only: a loopback listener cannot be reached; listen "
			"on 0.0.0.0:$PORT",
			strchr(inside->address, ':') ? "[" : "", inside->address,
			strchr(inside->address, ':') ? "]" : "", inside->port); /* may be cut */
	else if (other)
		(void)snprintf(text, LISTENERS_TEXT, "listens on port %u instead of PORT %u",
			other->port, port); /* fits */
	else
		(void)snprintf(
			text, LISTENERS_TEXT, "listens on nothing; PORT is %u", port); /* fits */
	return true;
}
