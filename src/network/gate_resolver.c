/* The resolver. Looking a name up reads files of the host, loads whatever nsswitch.conf names,
 * waits, and parses answers of the network: none of that is for the process that holds
 * everybody's connections. So this one does it, which holds nothing, and for each lookup a child,
 * so that a slow one holds nobody up and every one sees the files as they are then.
 *
 * It is asked by number and answers with addresses: an app decides when a configured name is looked
 * up, never what is. */
#include "gate_resolver.h"

#include "base/cleanup.h"
#include "gate_message.h"
#include "kernel/process.h"
#include "seclude.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void add_address(const struct addrinfo *info, struct gate_answer *answer)
{
	struct netlink_address *address = &answer->addresses[answer->count];

	address->family = info->ai_family;
	if (info->ai_family == AF_INET)
		address->v4 = ((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr;
	else if (info->ai_family == AF_INET6)
		address->v6 = ((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr;
	else
		return;
	answer->count++;
}

/* The child's work: it is killed when it takes too long. */
static void look_up(const char *host, struct gate_answer *answer)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	(void)alarm(GATE_LOOKUP);
	answer->code = getaddrinfo(host, NULL, &hints, &list);
	for (const struct addrinfo *i = answer->code ? NULL : list;
		i && answer->count < GATE_ADDRESSES; i = i->ai_next)
		add_address(i, answer);
}

static void run(const struct gates_config *config, int control)
{
	struct gate_answer answer = { 0 };

	while (recv(control, &answer.to, sizeof answer.to, 0) == sizeof answer.to) {
		pid_t pid = answer.to.service < config->count ? fork() : -1;

		if (pid == 0)
			look_up(config->services[answer.to.service].host, &answer);
		else if (pid < 0)
			answer.code = EAI_AGAIN;
		/* If it does not arrive, the lookup was slow. */
		if (pid <= 0)
			(void)send(control, &answer, sizeof answer, MSG_NOSIGNAL);
		if (pid == 0)
			_exit(0);
		answer = (struct gate_answer){ 0 };
	}
}

int gate_resolver_start(const struct gates_config *config, int unneeded, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket pair");
	pid = process_clone(0, -1, NULL, err);
	if (pid == 0) {
		process_rename("isorun:[resolve]");
		(void)close(ends[0]);           /* the gates' */
		(void)close(unneeded);          /* as above */
		(void)signal(SIGCHLD, SIG_IGN); /* cannot fail; children leave no zombie */
		if (seclude_rights(0, err) == 0)
			run(config, ends[1]);
		_exit(0);
	}
	(void)close(ends[1]); /* the child's */
	if (pid > 0)
		return ends[0];
	(void)close(ends[0]); /* nobody is there */
	return -1;
}
