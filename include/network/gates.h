/* Gates to attached services. In the network namespace of each instance and one-off a gate listens
 * where the app thinks that the service is, so that its URL stays as it is written, and a process
 * that stays in the host's network namespace connects to the service and moves the bytes. An
 * instance reaches what is attached, and nothing else by it.
 *
 * A place is one namespace's set of gates, a small number that the caller chooses (an instance's
 * slot), 0 to NETWORK_SLOTS - 1. */
#ifndef NETWORK_GATES_H
#define NETWORK_GATES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gates;

struct gates_service {
	const char *name; /* for messages */
	const char *host; /* a name in lower case, or an address without brackets */
	uint16_t port;
};

enum { GATES_MAX = 256 }; /* services */

struct gates_config {
	const struct gates_service *services;
	size_t count;
	/* egress "open": whatever else goes to another machine, over TCP or UDP, is carried there,
	 * and the name server of gates_resolver asks the host's own; but nothing reaches the host's
	 * loopback. range is what network_config has. */
	bool is_open;
	const char *range;
};

/* Text for the log stream, one line without a newline: "service cache (127.0.0.1:6379): connection
 * refused". */
typedef void gates_on_notice(void *context, const char *line);

/* Starts the process. It takes the calling process's network and files (for the names of hosts) as
 * they are now, so call it before any namespace is entered; it ends with the caller. config is
 * copied. */
int gates_new(const struct gates_config *config, struct gates **ret, struct error *err);

/* Opens the gates in the network namespace, whose lo is up: addresses, sockets and rules in it.
 * They are gone with the namespace. */
int gates_open(struct gates *gates, unsigned place, int namespace_fd, struct error *err);

/* The place's processes are dead: what they sent is still delivered, within some seconds. */
void gates_close(struct gates *gates, unsigned place);

/* Readable when gates_read has something to read. */
int gates_fd(const struct gates *gates);

/* Reads what has been reported, without waiting. -1: the process is gone, and with it every way to
 * a service. */
int gates_read(struct gates *gates, gates_on_notice *notice, void *context, struct error *err);

/* Has every service tried once; one that does not answer becomes a notice. Does not wait. */
int gates_check(struct gates *gates, struct error *err);

/* Waits until every service has answered: 0; or until the descriptor interrupt (-1: none) is
 * readable: 1. ERROR_FAILED names a service that did not in that time: "service cache does not
 * answer: 127.0.0.1:6379: connection refused". */
int gates_wait(struct gates *gates, uint64_t milliseconds, int interrupt, struct error *err);

/* Lets what dead places sent be delivered, for at most some seconds, then ends the process. NULL is
 * fine. */
void gates_free(struct gates *gates);

/* Appends the text of the /etc/hosts that goes with the gates (config may have none). */
void gates_hosts(const struct gates_config *config, struct buf *ret);

/* Appends the text of the /etc/resolv.conf that goes with is_open: the name server inside, and the
 * search list of this process's own /etc/resolv.conf. */
void gates_resolver(struct buf *ret);

#endif
