/* What a process listens on, so that one that does not answer can be told why. */
#ifndef SUPERVISOR_LISTENERS_H
#define SUPERVISOR_LISTENERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LISTENERS_MAX = 32, LISTENERS_TEXT = 200 };

struct listener {
	char address[46];
	uint16_t port;
	bool loopback; /* reachable from inside only */
};

struct listeners {
	struct listener items[LISTENERS_MAX]; /* the first of them */
	size_t count;
};

/* Adds the listening sockets in the text of /proc/PID/net/tcp or tcp6 (proc_pid_net(5)). */
void listeners_parse(const char *text, bool v6, struct listeners *ret);

/* Reads both files of a process. Nothing can be read of a dead one: then there are none. */
void listeners_read(pid_t pid, struct listeners *ret);

/* Why a connection to port found nobody, as a clause: "listens on port 3000 instead of PORT 5000".
 * False where the listeners give no reason: one of them is right. */
bool listeners_explain(const struct listeners *listeners, uint16_t port, char text[LISTENERS_TEXT]);

#endif
