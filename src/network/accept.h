/* Private to network: sockets that clients are accepted on while there is room for them. */
#ifndef NETWORK_ACCEPT_H
#define NETWORK_ACCEPT_H

#include "flow.h"

#include <sys/socket.h>

struct accept_table {
	struct loop *loop;
	struct flow_table flows;
	struct accept_socket *first;
	unsigned socket_count, reserved;
	unsigned paused; /* sockets that are wanted and have no room */
	struct loop_timer *retry;
};

/* One listening socket. The memory is the caller's, and stays for as long as flows count in held.
 */
struct accept_socket {
	struct accept_table *table;
	int fd;
	bool is_wanted, is_watched, is_paused;
	unsigned held; /* connections of this socket that are open, if flow_begin is given it */
	/* A client, to be given to flow_begin with the table's flows. */
	void (*call)(struct accept_socket *from, int client, const struct sockaddr_storage *name);
	/* A client waits, for this socket holds its share; may be NULL. */
	void (*crowded)(struct accept_socket *socket);
	void *context;
	struct accept_socket *next, **at;
};

/* Sized by the limit of descriptors; reserved of them are for other things. The table must stay
 * where it is. */
int accept_init(struct accept_table *table, unsigned reserved, struct error *err);

/* Adds a socket, wanted or not; takes it out again, before it is closed. */
void accept_add(struct accept_table *table, struct accept_socket *socket);
void accept_remove(struct accept_socket *socket);

/* Whether clients are to be accepted on it. A socket that does not listen reports a hang-up for
 * ever, and is not watched again before this is called. */
void accept_want(struct accept_socket *socket, bool is_wanted);

#endif
