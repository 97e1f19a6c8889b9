/* Processes by clone3(2), and what a fresh child does to itself before anything else. Everything
 * here may be called between clone and exec: no heap. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Clones as fork(2) does, but without the caller's signal handlers, with the CLONE_* flags, into
 * the cgroup2 directory cgroup unless it is -1. Returns 0 in the child, the pid in the parent with
 * a CLOEXEC *ret_pidfd (which may be NULL), -1 on failure. */
pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd, struct error *err);

/* Shows name in ps instead of the caller's command line, whose arguments and environment are wiped:
 * they may hold secrets, and /proc/PID/cmdline is readable by everybody. */
void process_rename(const char *name);

/* Puts fd in its place among the *count sorted ones of keep, which has room; -1 is left out. */
void process_keep(int *keep, size_t *count, int fd);

/* Closes every descriptor but the count ones in keep, which is sorted. */
int process_close_others(const int *keep, size_t count, struct error *err);

/* Every signal back to its default disposition, and none blocked. */
void process_reset_signals(void);

/* Waits for the process behind pidfd to end and reaps it; *ret is its wait(2) status. */
int process_wait(int pidfd, int *ret, struct error *err);

#endif
