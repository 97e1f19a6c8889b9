/* Readiness probes against a server of our own on the loopback. */
#include "supervisor/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
	struct loop *loop;
	int listener;
	struct sockaddr_in address;
	const char *answer; /* what the server says to a request; NULL: it hangs up */
	unsigned refuse;    /* dials that fail before one is let through */
	bool ended, ready;
	char why[PROBE_TEXT];
	struct probe *probe;
};

static int dial(void *context)
{
	struct bench *bench = context;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (bench->refuse > 0) {
		bench->refuse--;
		close(fd);
		return -1;
	}
	(void)connect(fd, (struct sockaddr *)&bench->address, sizeof bench->address);
	return fd;
}

static void on_end(void *context, bool ready, const char *why)
{
	struct bench *bench = context;

	bench->ended = true;
	bench->ready = ready;
	(void)snprintf(bench->why, sizeof bench->why, "%s", why);
	loop_stop(bench->loop);
}

static void on_client(void *context, int fd, uint32_t events)
{
	struct bench *bench = context;
	char request[512];
	int client = accept(fd, NULL, NULL);

	(void)events;
	if (bench->answer && recv(client, request, sizeof request, MSG_PEEK | MSG_DONTWAIT) != 0) {
		(void)usleep(2000); /* for the request to come */
		(void)recv(client, request, sizeof request, MSG_DONTWAIT);
		(void)send(client, bench->answer, strlen(bench->answer), MSG_NOSIGNAL);
	}
	close(client);
}

static void run(struct bench *bench, const char *path, uint64_t timeout)
{
	struct error err;
	socklen_t size = sizeof bench->address;
	struct probe_config config = {
		.path = path, .timeout = timeout, .dial = dial, .end = on_end, .context = bench
	};

	bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bench->address.sin_family = AF_INET;
	bench->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(bench->listener, (struct sockaddr *)&bench->address, size), 0);
	assert_int_equal(listen(bench->listener, 8), 0);
	assert_int_equal(
		getsockname(bench->listener, (struct sockaddr *)&bench->address, &size), 0);
	assert_int_equal(loop_new(&bench->loop, &err), 0);
	assert_int_equal(
		loop_add(bench->loop, bench->listener, EPOLLIN, on_client, bench, &err), 0);
	config.loop = bench->loop;
	probe_start(&config, &bench->probe);
	assert_int_equal(loop_run(bench->loop, &err), 0);
	assert_null(bench->probe);
	loop_free(bench->loop);
	close(bench->listener);
}

static void a_connection_is_enough_for_tcp(void **state)
{
	struct bench bench = { .refuse = 3 };

	(void)state;
	run(&bench, NULL, 5000);
	assert_true(bench.ready);
}

static void http_needs_a_good_status(void **state)
{
	struct bench good = { .answer = "HTTP/1.1 302 Found\r\n\r\n" };
	struct bench bad = { .answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n" };

	(void)state;
	run(&good, "/healthz", 5000);
	assert_true(good.ready);
	run(&bad, "/healthz", 50);
	assert_true(bad.ended);
	assert_false(bad.ready);
	assert_string_equal(bad.why, "answers GET /healthz with status 503");
}

static void what_is_not_http_is_said(void **state)
{
	struct bench bench = { .answer = "SSH-2.0-OpenSSH\r\n" };

	(void)state;
	run(&bench, "/", 50);
	assert_false(bench.ready);
	assert_string_equal(bench.why, "does not answer GET / in HTTP");
}

static void status_lines_are_read_strictly(void **state)
{
	(void)state;
	assert_int_equal(probe_parse_status("HTTP/1.0 200 OK"), 200);
	assert_int_equal(probe_parse_status("HTTP/1.1 99 x"), 0);
	assert_int_equal(probe_parse_status("200 OK"), 0);
	assert_int_equal(probe_parse_status(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_enough_for_tcp),
		cmocka_unit_test(http_needs_a_good_status),
		cmocka_unit_test(what_is_not_http_is_said),
		cmocka_unit_test(status_lines_are_read_strictly),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
