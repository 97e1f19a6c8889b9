/* One container from a launch spec: a directory of its own in the run's cgroup, a clone of the
 * prepared root, the compiled filter, and the sandboxed process. What a run's containers have in
 * common is a site, made once. Nothing of either survives isorun. */
#ifndef CONTAINER_CONTAINER_H
#define CONTAINER_CONTAINER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "kernel/cgroup.h"
#include "kernel/root.h"
#include "model/spec.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stdint.h>

struct container_site {
	struct cgroup_run cgroup; /* dir -1: an ordinary user could have none, notice says why */
	struct spec_ids ids;
	int root; /* the prepared tree */
	int filters;
};

/* The ids that containers get: the range of SPEC_IDS host ids from base on, or, where this process
 * has none to give, its own. */
struct spec_ids container_ids(uint32_t base);

/* Finds the run's place on the host, a cgroup; name tells runs apart, a valid file name. ids->own:
 * it goes without one where none can be had, and then no limit holds that needs one. What only
 * works from the host itself (D-Bus, ports, helpers that stay there) is done after this and before
 * container_site_enter. */
int container_site_open(const char *name, const struct spec_ids *ids, struct container_site *ret,
	struct error *err);

struct container_tree {
	const struct strv *layers;  /* absolute directories, bottom first */
	const struct root_etc *etc; /* files of /etc that are the run's */
	size_t etc_count;
	const char *scratch; /* a directory that private mounts are attached over */
	int filters;         /* directory of compiled filters; borrowed; -1: compile each time */
	bool host_network;   /* its processes are to share the host's network */
};

/* Moves the calling process into a mount namespace of its own (with ids.own: into user and, unless
 * host_network, network namespaces of its own as well, for good) and prepares the root that all
 * containers of the run share. Once a process. */
int container_site_enter(
	struct container_site *site, const struct container_tree *tree, struct error *err);
void container_site_done(struct container_site *site);

#define CONTAINER_SITE_NONE \
	((struct container_site){ .cgroup = { .dir = -1 }, .root = -1, .filters = -1 })

/* Gives the process its network, once its namespace exists and before anything of it runs. */
typedef int container_on_network(void *context, int namespace_fd, struct error *err);

struct container_launch {
	const char *name; /* the cgroup's: "web.1" */
	const struct spec *spec;
	int stdio[3];                  /* borrowed; unused with spec->terminal */
	unsigned short columns, rows;  /* of the terminal; 0: as the kernel makes it */
	container_on_network *network; /* NULL: no network but its own loopback */
	void *context;
};

struct container {
	struct sandbox sandbox;
	struct cgroup cgroup;
	bool has_cgroup;
};

#define CONTAINER_NONE ((struct container){ .sandbox = SANDBOX_NONE, .cgroup.dir = -1 })

/* How a container ended. */
struct container_end {
	int status; /* of wait(2), of the main process */
	bool oom;   /* the kernel killed it for its memory limit */
};

/* Launches; returns 0 once execve has succeeded. After a failure nothing is left. Limits that the
 * host cannot enforce are in ret->cgroup.missing, the caller's to report. */
int container_start(const struct container_site *site, const struct container_launch *launch,
	struct container *ret, struct error *err);

/* Sends signo to the main process (its group where the spec says so). A dead one is fine. */
int container_signal(const struct container *container, int signo, struct error *err);

/* Kills every process of it, whatever they do. Does not wait. */
int container_kill(const struct container *container, struct error *err);

/* Waits for the end; at once if sandbox.pidfd is readable. */
int container_wait(struct container *container, struct container_end *ret, struct error *err);

/* Kills what still runs and gives everything back. Fine on CONTAINER_NONE. */
void container_done(const struct container_site *site, struct container *container);

#endif
