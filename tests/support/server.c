/* Servers for network tests; see the header. */
#include "server.h"

#include "kernel/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void serve(enum server_kind kind, int fd, const char *greeting, int counted)
{
	static char chunk[65536];
	size_t total = 0;
	ssize_t got;

	if (kind == SERVER_DEAF)
		(void)pause();
	if (kind == SERVER_ECHO)
		(void)dprintf(fd, "%s\n", greeting);
	while ((got = read(fd, chunk, sizeof chunk)) > 0) {
		total += (size_t)got;
		for (ssize_t put = 0, step; kind == SERVER_ECHO && put < got; put += step)
			if ((step = write(fd, chunk + put, (size_t)(got - put))) <= 0)
				_exit(1);
	}
	_exit(kind == SERVER_COUNT && write(counted, &total, sizeof total) < 0);
}

void server_start(int namespace_fd, const char *address, unsigned short port, enum server_kind kind,
	struct server *ret)
{
	const int on = 1, family = strchr(address, ':') ? AF_INET6 : AF_INET;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct error err;
	int ends[2], fd;

	fd = namespace_fd < 0 ? socket(family, SOCK_STREAM, 0)
			      : namespace_socket(namespace_fd, family, SOCK_STREAM, 0, &err);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	(void)inet_pton(
		family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
	for (int i = 0; i < 1000 && bind(fd, family == AF_INET ? (void *)&v4 : (void *)&v6,
					    family == AF_INET ? sizeof v4 : sizeof v6) < 0;
		i++)
		(void)usleep(1000); /* one of an earlier server's children still dies */
	if (listen(fd, 4096) < 0 || pipe(ends) < 0)
		fail_msg("%s:%u: %s", address, port, strerror(errno));
	ret->pid = fork();
	if (ret->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setpgid(0, 0);
		(void)signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			if (client >= 0 && fork() == 0) {
				(void)close(fd);
				serve(kind, client, address, ends[1]);
			}
			(void)close(client);
		}
	}
	(void)setpgid(ret->pid, ret->pid);
	(void)close(fd);
	(void)close(ends[1]);
	ret->counted = ends[0];
}

void server_stop(struct server *server)
{
	(void)kill(-server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
	(void)close(server->counted);
}

/* A file that only the mount over another shows. */
static void put_over(const char *text, const char *over)
{
	char path[] = "/tmp/test_names.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, strlen(text)) < 0 ||
		mount(path, over, NULL, MS_BIND, NULL) < 0)
		fail_msg("%s: %s", over, strerror(errno));
	(void)unlink(path);
	(void)close(fd);
}

void names_enter(const char *resolv_conf)
{
	put_over("", "/etc/hosts");
	put_over(resolv_conf, "/etc/resolv.conf");
}

void names_write(const char *hosts)
{
	int fd = open("/etc/hosts", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, hosts, strlen(hosts)) < 0)
		fail_msg("/etc/hosts: %s", strerror(errno));
	(void)close(fd);
}
