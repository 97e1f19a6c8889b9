/* Ports are held by sockets that are bound and do not listen: a taken one is an error before
 * anything was started, nobody else can take one while instances restart, and as long as no rule
 * leads elsewhere the kernel itself refuses the clients.
 *
 * SO_REUSEADDR has to be off while a socket only holds its port (else any other server with it set
 * could bind the same port and listen), and on when it begins to listen or is bound although old
 * connections of an earlier run still wait in TIME_WAIT. */
#include "reserve.h"

#include "base/memory.h"
#include "holder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static void set_reuse(int fd, int on)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* cannot fail */
}

static int bind_port(struct reserve *reserve)
{
	struct sockaddr_storage name;
	socklen_t size = address_fill(&reserve->address, reserve->number, &name);
	const int on = 1;

	reserve->fd = socket(
		reserve->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (reserve->fd < 0)
		return -1;
	if (reserve->address.family == AF_INET6 &&
		setsockopt(reserve->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		return -1;
	if (bind(reserve->fd, (void *)&name, size) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	set_reuse(reserve->fd, 1);
	if (bind(reserve->fd, (void *)&name, size) < 0)
		return -1;
	set_reuse(reserve->fd, 0);
	return 0;
}

static int fail(const struct reserve *reserve, struct error *err)
{
	char text[ADDRESS_TEXT], who[HOLDER_TEXT];
	int errnum = errno;

	address_print(&reserve->address, reserve->number, text);
	if (errnum != EADDRINUSE) {
		error_errno(err, "port %s", text);
		if (errnum == EADDRNOTAVAIL)
			error_hint(err, "this host has no such address; * is all that it has");
		return -1;
	}
	error_set(err, ERROR_FAILED, "port %s is taken", text);
	err->errnum = errnum;
	holder_find(&reserve->address, reserve->number, who);
	return error_hint(err, "%s%s-p %u:TYPE publishes on another", who, who[0] ? "; " : "",
		reserve->number == UINT16_MAX ? 5000u : reserve->number + 1u);
}

/* Of "*", IPv6 may be missing: then there is nobody to be refused either. */
static bool is_optional(const struct netlink_address *all, int count, int which, int errnum)
{
	return count == 2 && all[which].family == AF_INET6 &&
	       (errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL);
}

static int reserve_one(const struct network_port *port, size_t index, struct reserve *at,
	size_t *count, struct error *err)
{
	struct netlink_address addresses[2];
	int found = address_published_parse(port->address, addresses, err);

	if (found < 0)
		return -1;
	for (int i = 0; i < found; i++) {
		struct reserve *reserve = &at[*count];

		*reserve = (struct reserve){
			.port = index,
			.number = port->outside,
			.address = addresses[i],
		};
		(*count)++; /* from here on reserve_done closes it */
		if (bind_port(reserve) == 0)
			continue;
		if (!is_optional(addresses, found, i, errno))
			return fail(reserve, err);
		if (reserve->fd >= 0)
			(void)close(reserve->fd); /* never used */
		(*count)--;
	}
	return 0;
}

int reserve_ports(const struct network_config *config, struct reserve **ret, size_t *ret_count,
	struct error *err)
{
	struct reserve *made = memory_new(config->port_count * 2, sizeof *made);
	size_t count = 0;

	for (size_t i = 0; i < config->port_count; i++) {
		if (reserve_one(&config->ports[i], i, made, &count, err) < 0) {
			reserve_done(made, count);
			return -1;
		}
	}
	*ret = made;
	*ret_count = count;
	return 0;
}

int reserve_open(struct reserve *reserve, struct error *err)
{
	char text[ADDRESS_TEXT];

	if (reserve->listening)
		return 0;
	set_reuse(reserve->fd, 1);
	if (listen(reserve->fd, BACKLOG) < 0) {
		address_print(&reserve->address, reserve->number, text);
		return error_errno(err, "port %s", text);
	}
	set_reuse(reserve->fd, 0);
	reserve->listening = true;
	return 0;
}

void reserve_close(struct reserve *reserve)
{
	if (!reserve->listening)
		return;
	/* On a listening socket this ends the listening and nothing else: the port stays bound. */
	(void)shutdown(reserve->fd, SHUT_RD); /* fails only where it does not listen */
	reserve->listening = false;
}

void reserve_done(struct reserve *reserves, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reserves[i].fd >= 0)
			(void)close(reserves[i].fd); /* nothing was written */
	free(reserves);
}
