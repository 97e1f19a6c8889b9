/* cgroup v2: cgroups(7). A run owns one directory (a delegated scope of systemd where that runs,
 * else a directory under isorun's own cgroup), with a leaf for isorun itself and one for each
 * instance. What is left of dead runs, empty directories only, is swept when the next one starts.
 */
#ifndef KERNEL_CGROUP_H
#define KERNEL_CGROUP_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum cgroup_controller {
	CGROUP_CPU = 1,
	CGROUP_MEMORY = 2,
	CGROUP_PIDS = 4,
	CGROUP_IO = 8,
};

struct cgroup_limits {
	uint64_t memory;    /* bytes; 0: none */
	uint32_t cpu_milli; /* thousandths of a processor; 0: none */
	uint32_t pids;      /* 0: none */
};

/* The directory of a run. */
struct cgroup_run {
	int dir;
	int base;             /* the directory that dir was made in */
	unsigned controllers; /* CGROUP_* that its children can have */
	char name[160];       /* below base */
	char path[512];       /* below the cgroup2 mount; for messages and for inspection */
	char notice[512];     /* "" or why systemd's delegation could not be had; for the log */
	char hint[160];       /* "" or what to do about it */
};

/* One instance's directory. */
struct cgroup {
	int dir;
	unsigned missing; /* CGROUP_* of limits that were asked for and that this host cannot
			     enforce */
	char name[128];
};

struct cgroup_events {
	uint64_t oom_kill; /* memory.events, 0 where there is no memory controller */
	bool populated;    /* cgroup.events */
};

/* Finds or asks for the run's directory, sweeps what dead runs left beside it, and holds a lock on
 * it while dir is open. name, a valid file name, is for people: the pid is added. Under systemd the
 * calling process is moved, so call it before anything is forked. A host without a usable cgroup2
 * is ERROR_UNSUPPORTED. */
int cgroup_run_open(const char *name, struct cgroup_run *ret, struct error *err);

/* Makes an instance's directory with its limits; a limit whose controller is absent lands in
 * ret->missing and is the caller's to report. memory.oom.group is set to 1. A run without a
 * directory (dir -1) gives none: ret->dir is -1, and every limit is missing. */
int cgroup_open(const struct cgroup_run *run, const char *name, const struct cgroup_limits *limits,
	struct cgroup *ret, struct error *err);

/* Kills every process in it (cgroup.kill). Does not wait. */
int cgroup_kill(const struct cgroup *cgroup, struct error *err);

int cgroup_read_events(const struct cgroup *cgroup, struct cgroup_events *ret, struct error *err);

/* Removes the empty directory and closes; one that is still populated is left to the next sweep. */
void cgroup_done(const struct cgroup_run *run, struct cgroup *cgroup);
void cgroup_run_done(struct cgroup_run *run);

/* "memory, cpu": the names of controllers, for a message. At most 40 bytes with the NUL. */
const char *cgroup_names(unsigned controllers, char text[40]);

#endif
