/* The seccomp filter: isorun's own table of system calls, compiled by libseccomp (its one door)
 * into BPF that can be cached and loaded without libseccomp. */
#ifndef KERNEL_FILTER_H
#define KERNEL_FILTER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

/* Compiles the default table for the native architecture with the named groups (strings such as
 * "ptrace") let through: an array of struct sock_filter in ret. An unknown group is an error. */
int filter_compile(const struct strv *allow, struct buf *ret, struct error *err);

/* A text that changes whenever the compiled result would: isorun's table version, libseccomp's,
 * the architecture and the allowed groups. The cache's key is its digest. */
void filter_key(const struct strv *allow, struct buf *ret);

/* Loads BPF into the calling thread: SECCOMP_SET_MODE_FILTER, no flags. no_new_privs must be on.
 * Safe between clone and exec: no heap, no libseccomp. */
int filter_load(const struct buf *filter, struct error *err);

#endif
