/* What cgroup.c will do, as values: parsing of the kernel's texts and the writes that limits
 * become. No system calls. */
#ifndef KERNEL_CGROUP_PLAN_H
#define KERNEL_CGROUP_PLAN_H

#include "base/strv.h"
#include "kernel/cgroup.h"

#include <stddef.h>

enum { CGROUP_WRITES = 6 };

/* One file of a cgroup directory and what is written to it. */
struct cgroup_write {
	const char *file;
	char text[48];
	bool optional; /* a kernel without the file is fine */
};

/* The cgroup2 path ("/user.slice/…") of a process from its /proc/PID/cgroup; the caller frees it.
 * NULL: there is none, or it lies outside the cgroup namespace. */
char *cgroup_plan_own(const char *text);

/* The directories where path may be found, from the text of /proc/PID/mountinfo: one for each
 * cgroup2 mount that shows it, the most recent mount first. */
void cgroup_plan_places(const char *mountinfo, const char *path, struct strv *ret);

/* CGROUP_* named in cgroup.controllers or cgroup.subtree_control. */
unsigned cgroup_plan_controllers(const char *text);

/* "+cpu +memory": what to write to cgroup.subtree_control, 64 bytes. */
void cgroup_plan_enable(unsigned controllers, char text[64]);

/* The writes that make limits, in order; returns their number. Limits whose controller is not among
 * controllers land in *ret_missing. */
size_t cgroup_plan_limits(const struct cgroup_limits *limits, unsigned controllers,
	struct cgroup_write ret[CGROUP_WRITES], unsigned *ret_missing);

#endif
