/* hello serve: an HTTP/1.1 server in one thread, one epoll and one table of connections.
 *
 * It is written the way a twelve-factor web process should behave: it binds $PORT, logs to standard
 * output as lines, keeps no state, and at SIGTERM stops accepting, answers what it has been asked
 * with `Connection: close`, and exits 0 when the last connection is done. It reads a request's
 * head only; a body is not supported.
 *
 *	/           process, release, host name and the client's address
 *	/healthz    ok
 *	/env        the environment
 *	/slow/MS    ok, after so many milliseconds
 *	/bytes/N    N bytes
 *	/log/N      logs N lines, then answers
 *	/exit/N     exits at once with that status, without an answer
 *
 * In the environment: HELLO_QUIET (no line a request), HELLO_DELAY (milliseconds until it
 * listens). */
#include "hello.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, BODY_MAX = 32768, EVENTS_A_ROUND = 256 };

extern char **environ;

struct connection {
	int fd;
	char client[64];
	char in[HEAD_MAX];
	size_t in_len;
	char *out; /* head and, unless the body is filler, body of the answer being sent */
	size_t out_len, out_sent;
	size_t filler; /* bytes of '.' still to send behind out */
	int64_t due;   /* when the slow request in the buffer is to be answered; 0: none */
	bool closing;  /* after this answer */
	struct connection *next, **link;
};

struct server {
	int epoll, listener, signals;
	bool stopping, quiet;
	int timeout; /* of the next epoll_wait */
	struct connection *connections;
};

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static const char *variable(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

int listen_on(const char *address, int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	bool is_four = address && inet_pton(AF_INET, address, &four.sin_addr) == 1;
	int one = 1, zero = 0, fd;

	if (address && !is_four && inet_pton(AF_INET6, address, &six.sin6_addr) != 1)
		return -1;
	fd = is_four ? -1 : socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 && (is_four || !address)) { /* asked for, or a kernel without IPv6 */
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		is_four = true;
	}
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (!is_four && !address)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six,
		    is_four ? sizeof four : sizeof six) < 0 ||
		listen(fd, 4096) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void watch(const struct server *server, int fd, uint32_t events, void *context, int how)
{
	struct epoll_event event = { .events = events, .data.ptr = context };

	if (epoll_ctl(server->epoll, how, fd, &event) < 0) {
		perror("hello: epoll");
		exit(1);
	}
}

static void drop(struct connection *connection)
{
	close(connection->fd);
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	free(connection->out);
	free(connection);
}

/* The peer's address and port; a mapped IPv4 address as IPv4. */
static void name_client(const struct sockaddr_storage *from, char *text, size_t size)
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;
	char address[INET6_ADDRSTRLEN];

	if (from->ss_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, address, sizeof address);
		snprintf(text, size, "%s:%d", address, ntohs(four->sin_port));
	} else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, address, sizeof address);
		snprintf(text, size, "%s:%d", address, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof address);
		snprintf(text, size, "[%s]:%d", address, ntohs(six->sin6_port));
	}
}

static void accept_all(struct server *server)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	struct connection *connection;
	int fd;

	while ((fd = accept4(server->listener, (struct sockaddr *)&from, &size,
			SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		connection = calloc(1, sizeof *connection);
		if (!connection)
			abort();
		connection->fd = fd;
		name_client(&from, connection->client, sizeof connection->client);
		connection->next = server->connections;
		connection->link = &server->connections;
		if (connection->next)
			connection->next->link = &connection->next;
		server->connections = connection;
		watch(server, fd, EPOLLIN, connection, EPOLL_CTL_ADD);
		size = sizeof from;
	}
}

static void print_page(const struct connection *connection, FILE *body)
{
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	fprintf(body, "hello from %s\nrelease %s\nhost %s\nclient %s\n",
		variable("ISORUN_PROCESS", "-"), variable("ISORUN_RELEASE", "-"), host,
		connection->client);
}

/* Writes the body for path; returns the status. */
static int respond(struct connection *connection, const char *path, FILE *body)
{
	unsigned long number = 0;

	if (strcmp(path, "/") == 0) {
		print_page(connection, body);
	} else if (strcmp(path, "/healthz") == 0) {
		fputs("ok\n", body);
	} else if (strcmp(path, "/env") == 0) {
		for (char **item = environ; *item; item++)
			fprintf(body, "%s\n", *item);
	} else if (sscanf(path, "/bytes/%lu", &number) == 1) {
		connection->filler = number;
	} else if (strncmp(path, "/slow/", 6) == 0) {
		fputs("ok\n", body); /* it has been waited already */
	} else if (sscanf(path, "/log/%lu", &number) == 1) {
		for (unsigned long i = 1; i <= number; i++)
			printf("line %lu\n", i);
		fputs("ok\n", body);
	} else if (sscanf(path, "/exit/%lu", &number) == 1) {
		fflush(stdout);
		_exit((int)number);
	} else {
		fputs("not found\n", body);
		return 404;
	}
	return 200;
}

/* Prepares the answer to one request, whose head is a string. */
static void answer(const struct server *server, struct connection *connection, char *head)
{
	char method[16] = "", path[256] = "", version[16] = "", *body_text = NULL;
	size_t body_len = 0;
	FILE *body = open_memstream(&body_text, &body_len);
	int status = 400, head_len;

	if (!body)
		abort();
	if (sscanf(head, "%15s %255s %15s", method, path, version) == 3)
		status = respond(connection, path, body);
	fclose(body);
	connection->closing = server->stopping || status == 400 ||
			      strcmp(version, "HTTP/1.0") == 0 ||
			      strcasestr(head, "\nconnection: close");
	connection->out = malloc(512 + body_len);
	if (!connection->out)
		abort();
	head_len = sprintf(connection->out,
		"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n",
		status,
		status == 200   ? "OK"
		: status == 404 ? "Not Found"
				: "Bad Request",
		body_len + connection->filler, connection->closing ? "Connection: close\r\n" : "");
	if (strcmp(method, "HEAD") == 0)
		body_len = connection->filler = 0;
	memcpy(connection->out + head_len, body_text, body_len);
	connection->out_len = (size_t)head_len + body_len;
	connection->out_sent = 0;
	free(body_text);
	if (!server->quiet)
		printf("%s %s %d %s\n", method, path, status, connection->client);
}

/* Sends what can be sent; 1 when all is gone, 0 when the socket is full, -1 when it is broken. */
static int send_some(struct connection *connection)
{
	static const char dots[65536] = { [0 ... 65535] = '.' };

	while (connection->out_sent < connection->out_len || connection->filler > 0) {
		size_t rest = connection->out_len - connection->out_sent;
		size_t fill = connection->filler < sizeof dots ? connection->filler : sizeof dots;
		struct iovec parts[] = { { connection->out + connection->out_sent, rest },
			{ (char *)dots, fill } };
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		if ((size_t)sent <= rest) {
			connection->out_sent += (size_t)sent;
		} else {
			connection->out_sent += rest;
			connection->filler -= (size_t)sent - rest;
		}
	}
	return 1;
}

/* Whether the complete request in the buffer may be answered now; else due says when. */
static bool is_due(struct connection *connection)
{
	unsigned long delay;

	if (connection->due == 0 && sscanf(connection->in, "%*s /slow/%lu", &delay) == 1)
		connection->due = now() + (int64_t)delay;
	if (connection->due > now())
		return false;
	connection->due = 0;
	return true;
}

/* Answers the requests that are complete, one after the other. Returns false when the connection
 * is done with. */
static bool advance(const struct server *server, struct connection *connection)
{
	for (;;) {
		char *end;
		size_t used;
		int gone;

		if (!connection->out) {
			end = memmem(connection->in, connection->in_len, "\r\n\r\n", 4);
			if (!end)
				return connection->in_len < HEAD_MAX &&
				       (!server->stopping || connection->in_len > 0);
			if (!is_due(connection))
				return true;
			*end = '\0';
			used = (size_t)(end + 4 - connection->in);
			answer(server, connection, connection->in);
			connection->in_len -= used;
			memmove(connection->in, connection->in + used, connection->in_len);
		}
		gone = send_some(connection);
		if (gone == 0)
			watch(server, connection->fd, EPOLLOUT, connection, EPOLL_CTL_MOD);
		if (gone <= 0)
			return gone == 0;
		free(connection->out);
		connection->out = NULL;
		if (connection->closing)
			return false;
		watch(server, connection->fd, EPOLLIN, connection, EPOLL_CTL_MOD);
	}
}

static bool receive(struct connection *connection)
{
	ssize_t len = read(
		connection->fd, connection->in + connection->in_len, HEAD_MAX - connection->in_len);

	if (len > 0)
		connection->in_len += (size_t)len;
	return len > 0 || (len < 0 && errno == EAGAIN);
}

static void handle(struct server *server, struct connection *connection, uint32_t events)
{
	bool alive = !(events & EPOLLERR);

	if (alive && (events & (EPOLLIN | EPOLLHUP)) && !connection->out)
		alive = connection->in_len < HEAD_MAX && receive(connection);
	if (!alive || !advance(server, connection))
		drop(connection);
}

/* Stop accepting; a connection that is between requests is closed, one in the middle finishes. */
static void begin_stop(struct server *server)
{
	struct connection *next;

	puts("SIGTERM: finishing");
	server->stopping = true;
	close(server->signals);
	close(server->listener);
	for (struct connection *connection = server->connections; connection; connection = next) {
		next = connection->next;
		if (!connection->out && connection->in_len == 0)
			drop(connection);
	}
}

/* Gives the slow answers that are due; returns milliseconds until the next, or -1. */
static int give_due(struct server *server)
{
	int64_t soonest = -1;
	struct connection *next;

	for (struct connection *connection = server->connections; connection; connection = next) {
		next = connection->next;
		if (!connection->due)
			continue;
		if (connection->due <= now()) {
			if (!advance(server, connection))
				drop(connection);
		} else if (soonest < 0 || connection->due - now() < soonest) {
			soonest = connection->due - now();
		}
	}
	return (int)(soonest < 0 ? -1 : soonest > 0 ? soonest : 1);
}

/* One round of events. The signal is acted on after it, because it frees connections. */
static void wait_and_handle(struct server *server)
{
	struct epoll_event events[EVENTS_A_ROUND];
	int count = epoll_wait(server->epoll, events, EVENTS_A_ROUND, server->timeout);
	bool signalled = false;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == &server->signals)
			signalled = true;
		else if (events[i].data.ptr == &server->listener)
			accept_all(server);
		else
			handle(server, events[i].data.ptr, events[i].events);
	}
	if (signalled && !server->stopping)
		begin_stop(server);
	server->timeout = give_due(server);
}

int serve(int argc, char **argv)
{
	struct server server = { .timeout = -1, .quiet = getenv("HELLO_QUIET") };
	int port = atoi(variable("PORT", "5000"));
	sigset_t ending;

	(void)argc, (void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	usleep((useconds_t)atoi(variable("HELLO_DELAY", "0")) * 1000);
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	server.signals = signalfd(-1, &ending, SFD_CLOEXEC);
	server.listener = listen_on(NULL, port);
	if (server.listener < 0) {
		fprintf(stderr, "hello: listen on port %d: %s\n", port, strerror(errno));
		return 1;
	}
	watch(&server, server.listener, EPOLLIN, &server.listener, EPOLL_CTL_ADD);
	watch(&server, server.signals, EPOLLIN, &server.signals, EPOLL_CTL_ADD);
	printf("listening on port %d\n", port);
	while (!server.stopping || server.connections)
		wait_and_handle(&server);
	puts("finished");
	return 0;
}
