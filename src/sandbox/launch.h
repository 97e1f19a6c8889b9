/* Private to src/sandbox: what the child works on, and its steps. Everything is there before the
 * clone; the child allocates nothing. */
#ifndef SANDBOX_LAUNCH_H
#define SANDBOX_LAUNCH_H

#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

enum { DEVICE_NULL, DEVICE_COUNT = 6 };

struct launch {
	const struct spec *spec;
	const struct buf *filter;
	uint32_t tasks; /* RLIMIT_NPROC; 0: unchanged */
	int root;       /* the root's mount; later where paths start */
	int sync;       /* the child's end of the protocol's socket */
	int report;   /* pid 1 writes the main process's wait status to it; -1: no pid 1 of ours */
	int stdio[3]; /* -1 with a terminal */
	int *binds;   /* for each of spec->mounts the detached source, or -1 */
	int *keep;    /* room for the child to sort its descriptors in */

	int devices[DEVICE_COUNT]; /* the host's, in the order of devices.c */
	int master, slave;         /* the terminal; -1: none */
	char command[PATH_MAX];    /* what to execute */
	bool filtered;             /* whether the filter has been loaded */
};

/* One act of the child. A failure is "NAME: what the act said". */
struct step {
	const char *name; /* NULL: its errors need no name in front */
	int (*act)(struct launch *launch, struct error *err);
};

extern const struct step launch_setup[], launch_confine[], launch_execute[];

/* Runs a table up to its end, an entry without act. */
int steps_run(const struct step *steps, struct launch *launch, struct error *err);

/* The child's whole life; called right after the clone. */
_Noreturn void launch_child(struct launch *launch);

/* Becomes pid 1 for good; returns 0 only in its child, which is to be the main process. */
int init_fork(struct launch *launch, struct error *err);

/* Steps, in the files that are called like their prefix; steps.c has the order and the reasons. */
int devices_open(struct launch *launch, struct error *err);
/* A detached mount of one device node of the host, of which not even the times can be changed. */
int devices_clone(int node, struct error *err);
int devices_make(struct launch *launch, struct error *err);
int devices_make_console(struct launch *launch, struct error *err);
int mounts_attach_root(struct launch *launch, struct error *err);
int mounts_make(struct launch *launch, struct error *err);
int mounts_seal(struct launch *launch, struct error *err);
int mounts_enter(struct launch *launch, struct error *err);
int mounts_go_to_work(struct launch *launch, struct error *err);
int masks_hide(struct launch *launch, struct error *err);
int masks_freeze(struct launch *launch, struct error *err);
int confine_limits(struct launch *launch, struct error *err);
int confine_bounding(struct launch *launch, struct error *err);
int confine_user(struct launch *launch, struct error *err);
int confine_capabilities(struct launch *launch, struct error *err);
int confine_privileges(struct launch *launch, struct error *err);
int confine_sockets(struct launch *launch, struct error *err);
int confine_lifetime(struct launch *launch, struct error *err);
int confine_filter(struct launch *launch, struct error *err);
int confine_descriptors(struct launch *launch, struct error *err);
int command_find(struct launch *launch, struct error *err);
int command_announce(struct launch *launch, struct error *err);
int command_execute(struct launch *launch, struct error *err);

#endif
