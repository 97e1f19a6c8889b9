/* Network namespaces on descriptors: network_namespaces(7), setns(2). A namespace lives as long as
 * a process in it, a socket of it, or a descriptor of it. */
#ifndef KERNEL_NAMESPACE_H
#define KERNEL_NAMESPACE_H

#include "base/error.h"

/* A descriptor of the network namespace this process is in, or -1. */
int namespace_open(struct error *err);

/* Makes a network namespace, owned by this process's user namespace, and returns its descriptor;
 * this process stays where it is. ERROR_UNSUPPORTED where the kernel or the rights lack it. */
int namespace_new(struct error *err);

/* Moves this process into the namespace fd and returns a descriptor of the one it left, to be given
 * to namespace_leave; or -1, not moved. */
int namespace_enter(int fd, struct error *err);

/* Moves back and closes back. A process that cannot go home must not go on: it ends by abort(3). */
void namespace_leave(int back);

/* socket(2) in the namespace fd; the socket stays there, the process does not. type gets
 * SOCK_CLOEXEC. */
int namespace_socket(int fd, int domain, int type, int protocol, struct error *err);

#endif
