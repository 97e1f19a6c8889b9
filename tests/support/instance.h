/* For network tests: a host of its own, and instances that are processes with a network namespace
 * of their own and a TCP server on port 5000 in it. */
#ifndef TESTS_SUPPORT_INSTANCE_H
#define TESTS_SUPPORT_INSTANCE_H

#include "network/network.h"

#include <stdbool.h>
#include <sys/types.h>

struct instance {
	pid_t pid;
	int namespace_fd;
	int refused; /* alone: what network_join_alone gave; else -1 */
};

/* The namespace of a further machine, on the network 10.99.0.0/24, fd99::/64 of the test's host:
 * host .1, remote .2. */
struct remote {
	int namespace_fd;
};

/* Moves the test into network and mount namespaces of its own, lo up. false: it may not. */
bool instance_enter_host(void);

/* Connects a remote machine to the host. */
void instance_make_remote(struct remote *ret);

/* Sets IPv4 and IPv6 forwarding of the test's host. */
void instance_set_forwarding(bool on);

/* A network that publishes port 5000 of the instances on address:5000. What it noticed is in
 * notice (or ""). */
struct network *instance_make_network(const char *address, char notice[160]);

/* Publishes the slots; stop: none. */
void instance_publish(struct network *network, const unsigned *slots, size_t count);

/* An instance from this number on has an app that listens on IPv4 only. */
enum { INSTANCE_V4_ONLY = 500 };

/* Starts instance number slot and joins it (network NULL: alone). Its server greets each client
 * with "SLOT CLIENT-ADDRESS\n" and then sends back what it gets, up to the end of file. */
void instance_start(struct network *network, unsigned slot, struct instance *ret);
void instance_stop(struct instance *instance);

/* A connection to address:port from the namespace (-1: the host), or -1 and errno. Blocking, with
 * time limits of 5 s. */
int instance_connect(int namespace_fd, const char *address, unsigned short port);

/* Reads one line without its newline: what an instance greets with. Empty at end of file. */
void instance_read_line(int fd, char *line, size_t size);

/* Connects, reads the greeting, closes; on failure the greeting is strerror(errno). */
const char *instance_ask(
	int namespace_fd, const char *address, unsigned short port, char greeting[80]);

#endif
