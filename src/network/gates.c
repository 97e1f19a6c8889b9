/* The supervisor's side of the gates: starts their process, opens gates in namespaces and hands
 * over the sockets that listen there, and says in words what the process reports in numbers. */
#include "network/gates.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "egress.h"
#include "gate_inside.h"
#include "gate_message.h"
#include "gate_process.h"
#include "network/address.h"
#include "network/network.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SEND_LIMIT = 5, /* seconds; the process never waits, so it is stopped or dying */
	END_LIMIT = 5000,
	AGAIN = 200, /* milliseconds between two tries */
};

struct gates {
	struct gates_config config; /* owned */
	struct helper process;
};

static struct gates_service *copy_services(const struct gates_config *config)
{
	struct gates_service *copies = memory_new(config->count, sizeof *copies);

	for (size_t i = 0; i < config->count; i++)
		copies[i] = (struct gates_service){
			.name = memory_copy_str(config->services[i].name),
			.host = memory_copy_str(config->services[i].host),
			.port = config->services[i].port,
		};
	return copies;
}

static int start(struct gates *gates, struct error *err)
{
	const struct timeval limit = { .tv_sec = SEND_LIMIT };
	struct address_range range; /* its text is checked here, and read by the process */

	if (gates->config.count > GATES_MAX)
		return error_set(
			err, ERROR_CONFIG, "no more than %d services can be attached", GATES_MAX);
	if (address_range_parse(gates->config.range, &range, err) < 0)
		return -1;
	if (gate_process_start(&gates->config, &gates->process, err) < 0)
		return error_wrap(err, "gates");
	(void)setsockopt(gates->process.control, SOL_SOCKET, SO_SNDTIMEO, &limit,
		sizeof limit); /* cannot fail */
	return 0;
}

int gates_new(const struct gates_config *config, struct gates **ret, struct error *err)
{
	struct gates *gates = memory_new(1, sizeof *gates);

	gates->process = HELPER_NONE;
	gates->config.services = copy_services(config);
	gates->config.count = config->count;
	gates->config.is_open = config->is_open;
	gates->config.range = config->range ? memory_copy_str(config->range) : NULL;
	if (start(gates, err) < 0) {
		gates_free(gates);
		return -1;
	}
	*ret = gates;
	return 0;
}

/* Orders. */

static int send_order(
	struct gates *gates, const struct gate_order *order, const int *fds, struct error *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(GATE_SOCKETS * sizeof(int))];
	} extra = { 0 };
	struct iovec body = { (void *)order, sizeof *order };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };

	if (fds) {
		message.msg_control = &extra;
		message.msg_controllen = CMSG_SPACE(order->count * sizeof(int));
		extra.header.cmsg_level = SOL_SOCKET;
		extra.header.cmsg_type = SCM_RIGHTS;
		extra.header.cmsg_len = CMSG_LEN(order->count * sizeof(int));
		memcpy(CMSG_DATA(&extra.header), fds, order->count * sizeof(int));
	}
	if (sendmsg(gates->process.control, &message, MSG_NOSIGNAL) < 0)
		return error_errno(err, "gates");
	return 0;
}

static int hand_over(struct gates *gates, unsigned place, const struct gate_listener *listeners,
	size_t count, struct error *err)
{
	for (size_t done = 0; done < count;) {
		struct gate_order order = { .verb = GATE_OPEN, .place = (uint16_t)place };
		int fds[GATE_SOCKETS];

		while (done < count && order.count < GATE_SOCKETS) {
			fds[order.count] = listeners[done].fd;
			order.services[order.count++] = listeners[done++].service;
		}
		if (send_order(gates, &order, fds, err) < 0)
			return -1;
	}
	return 0;
}

static int open_egress(struct gates *gates, unsigned place, int namespace_fd, struct error *err)
{
	struct gate_order order = { .verb = GATE_EGRESS, .place = (uint16_t)place };
	int sockets[EGRESS_SOCKETS], result;
	int count = egress_inside(namespace_fd, sockets, err);

	if (count < 0)
		return error_wrap(err, "egress");
	order.count = (uint16_t)count;
	result = send_order(gates, &order, sockets, err);
	for (int i = 0; i < count; i++)
		(void)close(sockets[i]); /* the process has its own */
	return result;
}

int gates_open(struct gates *gates, unsigned place, int namespace_fd, struct error *err)
{
	struct gate_listener listeners[2 * GATES_MAX];
	size_t count = 0;
	int result;

	assert(place < NETWORK_SLOTS);
	result = gate_inside(&gates->config, namespace_fd, listeners, &count, err);
	if (result == 0)
		result = hand_over(gates, place, listeners, count, err);
	else
		error_wrap(err, "gates");
	for (size_t i = 0; i < count; i++)
		(void)close(listeners[i].fd); /* the process has its own */
	if (result == 0 && gates->config.is_open)
		result = open_egress(gates, place, namespace_fd, err);
	return result;
}

void gates_close(struct gates *gates, unsigned place)
{
	const struct gate_order order = { .verb = GATE_CLOSE, .place = (uint16_t)place };
	struct error ignored;

	(void)send_order(gates, &order, NULL, &ignored); /* it is gone: gates_read says so */
}

/* Has the services that did not answer yet tried. */
static int send_tries(struct gates *gates, const bool *answered, struct error *err)
{
	struct gate_order order = { .verb = GATE_TRY };

	for (size_t i = 0; i < gates->config.count; i++) {
		if (!answered || !answered[i])
			order.services[order.count++] = (uint16_t)i;
		if (order.count < GATE_SOCKETS && i + 1 < gates->config.count)
			continue;
		if (send_order(gates, &order, NULL, err) < 0)
			return -1;
		order.count = 0;
	}
	return 0;
}

/* Words. */

/* strerror's and gai_strerror's sentences, within one of ours. */
static void add_reason(const char *reason, struct buf *ret)
{
	const bool is_word = isupper((unsigned char)reason[0]) && islower((unsigned char)reason[1]);

	buf_addf(ret, "%c%s", is_word ? tolower((unsigned char)*reason) : *reason, reason + 1);
}

static void add_lookup(const char *host, const struct gate_report *report, struct buf *ret)
{
	const char *odd = address_is_odd(&report->address);
	char at[INET6_ADDRSTRLEN] = "?";

	if (report->outcome == GATE_REBOUND) {
		(void)inet_ntop(report->address.family, report->address.bytes, at, sizeof at);
		buf_addf(ret, "%s resolves to %s, which is %s", host, at, odd ? odd : "refused");
		return;
	}
	buf_addf(ret, "%s does not resolve: ", host);
	if (report->outcome == GATE_SLOW)
		buf_addf(ret, "no answer in %d s", GATE_LOOKUP);
	else
		add_reason(gai_strerror(report->code), ret);
}

/* "service cache (127.0.0.1:6379): connection refused"; of a try "service cache does not answer:
 * 127.0.0.1:6379: connection refused". */
static void describe(const struct gates *gates, const struct gate_report *report, struct buf *ret)
{
	const struct gates_service *service = &gates->config.services[report->service];
	const bool is_v6 = strchr(service->host, ':');

	if (report->outcome == GATE_CROWDED) {
		buf_addf(ret, "service %s: an instance holds %d connections, its next ones wait",
			service->name, report->code);
		return;
	}
	buf_addf(ret, "service %s%s", service->name, report->is_try ? " does not answer: " : "");
	if (report->outcome != GATE_FAILED) {
		buf_addf(ret, "%s", report->is_try ? "" : ": ");
		add_lookup(service->host, report, ret);
		return;
	}
	buf_addf(ret, "%s%s%s%s:%u%s: ", report->is_try ? "" : " (", is_v6 ? "[" : "",
		service->host, is_v6 ? "]" : "", (unsigned)service->port,
		report->is_try ? "" : ")");
	add_reason(strerror(report->code), ret);
}

/* Reports. */

/* 1: a report; 0: none yet; -1: there will be none. */
static int receive(struct gates *gates, struct gate_report *ret, struct error *err)
{
	ssize_t got;

	do
		got = recv(gates->process.control, ret, sizeof *ret, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got == sizeof *ret && ret->service < gates->config.count)
		return 1;
	return error_set(err, ERROR_FAILED, "gates: their process has ended");
}

int gates_fd(const struct gates *gates)
{
	return gates->process.control;
}

int gates_read(struct gates *gates, gates_on_notice *notice, void *context, struct error *err)
{
	struct gate_report report;
	int got;

	while ((got = receive(gates, &report, err)) > 0) {
		CLEANUP_BUF struct buf line = { 0 };

		if (report.outcome == GATE_ANSWERS)
			continue;
		describe(gates, &report, &line);
		if (report.count > 0)
			buf_addf(&line, " (%u more time%s)", report.count,
				report.count == 1 ? "" : "s");
		notice(context, line.data);
	}
	return got;
}

int gates_check(struct gates *gates, struct error *err)
{
	return send_tries(gates, NULL, err);
}

/* What gates_wait has seen so far. */
struct wait {
	bool *answered;
	struct gate_report *last; /* of each: what came of the last try */
	size_t left;
};

static int read_tries(struct gates *gates, struct wait *wait, struct error *err)
{
	struct gate_report report;
	int got;

	while ((got = receive(gates, &report, err)) > 0) {
		if (!report.is_try)
			continue;
		wait->last[report.service] = report;
		if (report.outcome != GATE_ANSWERS || wait->answered[report.service])
			continue;
		wait->answered[report.service] = true;
		wait->left--;
	}
	return got;
}

static int wait_failed(const struct gates *gates, const struct wait *wait, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	size_t i = 0;

	while (wait->answered[i])
		i++;
	describe(gates, &wait->last[i], &text);
	return error_set(err, ERROR_FAILED, "%s", text.data);
}

static int wait_for_all(struct gates *gates, struct wait *wait, uint64_t milliseconds,
	int interrupt, struct error *err)
{
	const uint64_t start = clock_now();

	for (;;) {
		struct pollfd fds[] = { { .fd = gates->process.control, .events = POLLIN },
			{ .fd = interrupt, .events = POLLIN } };
		const uint64_t begun = clock_now();
		uint64_t now = begun;

		if (send_tries(gates, wait->answered, err) < 0)
			return -1;
		for (; now < begun + AGAIN && now < start + milliseconds; now = clock_now()) {
			if (poll(fds, 2, (int)(begun + AGAIN - now)) > 0 && fds[1].revents)
				return 1;
			if (read_tries(gates, wait, err) < 0)
				return -1;
			if (wait->left == 0)
				return 0;
		}
		if (now >= start + milliseconds)
			return wait_failed(gates, wait, err);
	}
}

int gates_wait(struct gates *gates, uint64_t milliseconds, int interrupt, struct error *err)
{
	const size_t count = gates->config.count;
	CLEANUP_FREE bool *answered = memory_new(count, sizeof *answered);
	CLEANUP_FREE struct gate_report *last = memory_new(count, sizeof *last);
	struct wait wait = { answered, last, count };

	for (size_t i = 0; i < count; i++)
		last[i] = (struct gate_report){ .service = (uint16_t)i,
			.is_try = 1,
			.outcome = GATE_FAILED,
			.code = ETIMEDOUT };
	return count ? wait_for_all(gates, &wait, milliseconds, interrupt, err) : 0;
}

void gates_free(struct gates *gates)
{
	if (!gates)
		return;
	helper_done(&gates->process, END_LIMIT);
	for (size_t i = 0; i < gates->config.count; i++) {
		free((void *)gates->config.services[i].name);
		free((void *)gates->config.services[i].host);
	}
	free((void *)gates->config.services);
	free((void *)gates->config.range);
	free(gates);
}
