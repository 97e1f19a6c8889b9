/* Private to network: egress "open". What an instance sends to another machine over TCP and UDP is
 * led to sockets that lie in its own namespace, and a process in the host's namespace connects
 * where it was to go. */
#ifndef NETWORK_EGRESS_H
#define NETWORK_EGRESS_H

#include "accept.h"
#include "base/buf.h"
#include "network/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something comes from or goes to. */
struct egress_end {
	struct netlink_address address;
	uint16_t port;
	uint32_t scope; /* of a link-local IPv6 address of the host's */
};

bool egress_end_is(const struct egress_end *a, const struct egress_end *b);
void egress_end_read(const struct sockaddr_storage *from, struct egress_end *ret);
socklen_t egress_end_fill(const struct egress_end *end, struct sockaddr_storage *ret);

/* Inside. */

enum {
	EGRESS_TCP4, /* these listen, or hear, what was to go elsewhere */
	EGRESS_UDP4,
	EGRESS_RAW4, /* answers from elsewhere are sent by these */
	EGRESS_TCP6,
	EGRESS_UDP6,
	EGRESS_RAW6,
	EGRESS_SOCKETS,
	EGRESS_SOCKETS4 = EGRESS_TCP6, /* without IPv6 */
};

/* Packets that are led away have this mark, which an app cannot set. */
enum { EGRESS_MARK = 2 };

/* Makes sockets, routes and rules in the namespace, whose eth0 is up. Returns how many sockets:
 * EGRESS_SOCKETS or EGRESS_SOCKETS4; the caller closes them. -1: none. */
int egress_inside(int namespace_fd, int ret[EGRESS_SOCKETS], struct error *err);

/* Names. */

enum { EGRESS_NAMESERVERS = 3 }; /* as many as resolv.conf(5) has */

struct egress_names {
	struct egress_end servers[EGRESS_NAMESERVERS];
	unsigned count;
	unsigned good; /* the one that answered last */
};

/* Reads the text of a resolv.conf(5); without a name server, it is the host's own. Any bytes are
 * fine. */
void egress_names_parse(const char *text, struct egress_names *ret);

/* Appends the text of the resolv.conf(5) inside, given that of the host's. */
void egress_names_print(const char *text, struct buf *ret);

/* Appends the text of this process's own /etc/resolv.conf, or none. */
void egress_names_read(struct buf *ret);

/* Outside: the process that connects. */

/* Addresses that are nobody's outside, or that trust whoever comes: of this host itself and of
 * isorun's own networks. */
bool egress_is_barred(const struct netlink_address *address, const struct address_range *own);

enum { EGRESS_PAYLOAD = 65507 }; /* of a datagram: what IPv4 can carry */

struct egress {
	struct accept_table *accepts; /* the caller's, to be set */
	struct address_range own;     /* of the links between routers and host */
	struct egress_names names;
	struct datagrams *datagrams; /* of all namespaces */
	unsigned datagram_count;
	uint8_t datagram[EGRESS_PAYLOAD];
};

/* As this process sees the host: its name servers. range is a gates_config's, and sound. */
struct egress *egress_new(const char *range);

/* One namespace's way out; takes over the sockets (count of egress_inside). */
struct egress_place *egress_open(struct egress *egress, const int *sockets, size_t count);

/* Its processes are dead: what they sent is still delivered. */
void egress_close(struct egress_place *place);

/* Ends what is left, and frees. NULL is fine. */
void egress_free(struct egress_place *place);

/* Where something that was to go to that end is to be sent: attempt 0, 1, …; false: nowhere. */
bool egress_aim(const struct egress *egress, const struct egress_end *to, unsigned attempt,
	struct egress_end *ret);

#endif
