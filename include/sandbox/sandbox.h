/* One sandboxed process: cloned into new namespaces and a cgroup, set up step by step, confined,
 * executed. sandbox/launch.c has the theory of operation; sandbox/steps.c the table of steps.
 *
 *	sandbox_create	clone; the child begins to set itself up. The caller may meanwhile move a
 *			veth into its network namespace, which the set-up does not need.
 *	sandbox_setup	waits until the child has done all but exec (OCI create stops here).
 *	sandbox_start	exec; returns 0 only once execve(2) has succeeded.
 *
 * After any failure the child is gone and the error names the step and what failed in it. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"

#include <sys/types.h>

/* What the caller made for this launch. All borrowed; none of them leaks into the process. */
struct sandbox_parts {
	int root;     /* mount descriptor of the root (kernel/root.h), not yet attached */
	int cgroup;   /* cgroup2 directory to be born in; -1: stay */
	int stdio[3]; /* become 0, 1, 2; unused with spec->terminal */
	const struct buf *filter; /* struct sock_filter[] (kernel/filter.h); NULL or empty: none */
	uint32_t tasks; /* most tasks of its user by RLIMIT_NPROC, where no cgroup bounds them; 0:
			   unchanged */
};

struct sandbox {
	pid_t pid; /* of the first process: pid 1 of its namespace. For messages, never to signal */
	int pidfd; /* of the same; readable once every process of its pid namespace is dead */
	int network; /* its network namespace; -1 if it shares the caller's. The caller may close
			it once a veth is in, and set it to -1 */
	int console; /* the pseudoterminal's master with spec->terminal, after setup; else -1. The
			caller may take it by setting it to -1 */
	int sync;    /* private: the parent's end of the launch protocol */
	int report;  /* private: where pid 1 says how the main process ended */
};

int sandbox_create(const struct spec *spec, const struct sandbox_parts *parts, struct sandbox *ret,
	struct error *err);
int sandbox_setup(struct sandbox *sandbox, struct error *err);
int sandbox_start(struct sandbox *sandbox, struct error *err);

/* Sends signo to the main process (to its group with spec->stop_group). A dead one is fine. */
int sandbox_signal(const struct sandbox *sandbox, int signo, struct error *err);

/* Reaps, waiting if need be, once pidfd is readable: *ret is the wait(2) status of the main process
 * itself, not of pid 1. If pid 1 was killed before it could tell, that is a SIGKILL. */
int sandbox_wait(struct sandbox *sandbox, int *ret, struct error *err);

/* Kills what still runs, reaps and closes everything. Zeroed and already done ones are fine only
 * if initialised by SANDBOX_NONE or a call above. */
void sandbox_done(struct sandbox *sandbox);

#define SANDBOX_NONE       \
	((struct sandbox){ \
		.pid = -1, .pidfd = -1, .network = -1, .console = -1, .sync = -1, .report = -1 })

#endif
