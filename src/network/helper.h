/* Private to network: a process that serves beside the supervisor, forwarder or gates, from its
 * clone to its end. What it does between the two, and what it gives up first, is its own. */
#ifndef NETWORK_HELPER_H
#define NETWORK_HELPER_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct helper {
	int pidfd; /* -1: there is none */
	int control;
};

#define HELPER_NONE ((struct helper){ .pidfd = -1, .control = -1 })

/* Clones into a pid namespace of its own and what else flags say. Returns 0 in the child, with its
 * end of the control socket (SEQPACKET) in *ret_own, the pid in the parent, -1 on failure. *ret
 * must be HELPER_NONE; helper_done in any case. */
pid_t helper_clone(uint64_t flags, struct helper *ret, int *ret_own, struct error *err);

/* The child's word to the parent: that it is confined, or why it is not, after which it ends.
 * helper_ready is -1 where the parent is gone. */
int helper_ready(int own);
_Noreturn void helper_give_up(int own, const struct error *err);

/* Waits for that word. */
int helper_await(const struct helper *helper, struct error *err);

/* Closes the control socket, which asks it to end; kills it where it has not in milliseconds. */
void helper_done(struct helper *helper, int milliseconds);

#endif
