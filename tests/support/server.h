/* For network tests: servers in a namespace, and the host's answers to names. */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <sys/types.h>

enum server_kind {
	SERVER_ECHO,  /* greets with its own address, then sends back what it gets */
	SERVER_DEAF,  /* reads nothing */
	SERVER_COUNT, /* says on counted how much it got, a size_t */
};

struct server {
	pid_t pid;
	int counted;
};

/* Starts a server on address:port in the namespace (-1: the test's own). */
void server_start(int namespace_fd, const char *address, unsigned short port, enum server_kind kind,
	struct server *ret);
void server_stop(struct server *server);

/* Puts files of the test's own over the host's /etc/hosts and /etc/resolv.conf, in the mount
 * namespace that the test is in; the first is changed by names_write. */
void names_enter(const char *resolv_conf);
void names_write(const char *hosts);

#endif
