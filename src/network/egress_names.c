/* Names with egress "open": inside there is one name server, whose address is nobody's; the gates'
 * process sends what goes there to the name servers that the host's own programs ask. It is in the
 * host's namespace, so one on the host's loopback answers as well, as systemd-resolved's does. */
#include "egress.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "network/gates.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { DNS = 53, LINE = 1024, FILE_MAX = 1 << 16 };

static const char path[] = "/etc/resolv.conf";

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0". */
static bool parse_server(char *text, struct egress_end *ret)
{
	struct egress_end server = { .port = DNS };
	char *zone = strchr(text, '%');

	if (zone) {
		*zone++ = '\0';
		server.scope = if_nametoindex(zone);
	}
	server.address.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(server.address.family, text, server.address.bytes) != 1)
		return false;
	*ret = server;
	return true;
}

/* The next line of *text, cut off where it is too long for any that means something. */
static bool next_line(const char **text, char line[LINE])
{
	const size_t len = strcspn(*text, "\n");
	const size_t kept = len < LINE ? len : LINE - 1;

	if (!**text)
		return false;
	memcpy(line, *text, kept);
	line[kept] = '\0';
	*text += len + ((*text)[len] == '\n');
	return true;
}

void egress_names_parse(const char *text, struct egress_names *ret)
{
	char line[LINE], server[64];

	*ret = (struct egress_names){ 0 };
	while (ret->count < EGRESS_NAMESERVERS && next_line(&text, line))
		if (sscanf(line, "nameserver%*[ \t]%63s", server) == 1 &&
			parse_server(server, &ret->servers[ret->count]))
			ret->count++;
	if (ret->count)
		return;
	ret->servers[0] =
		(struct egress_end){ { .family = AF_INET, .v4.s_addr = htonl(INADDR_LOOPBACK) },
			DNS, 0 };
	ret->count = 1;
}

/* The domains that the host's programs try behind a short name; of more than one such line the last
 * counts. */
void egress_names_print(const char *text, struct buf *ret)
{
	const struct netlink_address resolver = address_resolver();
	char line[LINE], search[LINE] = "", server[ADDRESS_TEXT];

	while (next_line(&text, line)) {
		const size_t word = strcspn(line, " \t");

		if ((word == 6 && strncmp(line, "search", word) == 0) ||
			(word == 6 && strncmp(line, "domain", word) == 0))
			(void)snprintf(search, sizeof search, "%s", line); /* as long */
	}
	address_print_host(&resolver, server);
	buf_addf(ret, "nameserver %s\n", server);
	for (const char *at = search; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._ \t",
			    *at))
			return;
	if (*search)
		buf_addf(ret, "%s\n", search);
}

void egress_names_read(struct buf *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error ignored;

	/* Without the file a program asks the host itself. */
	if (fd < 0 || file_read_all(fd, FILE_MAX, ret, &ignored) < 0)
		ret->len = 0;
	buf_add_str(ret, "");
}

void gates_resolver(struct buf *ret)
{
	CLEANUP_BUF struct buf text = { 0 };

	egress_names_read(&text);
	egress_names_print(text.data, ret);
}
