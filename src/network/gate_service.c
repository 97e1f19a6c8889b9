/* Services: where they are, and what has become of connections to them.
 *
 * A name is looked up at each connection, so that a service may move; connections that come while
 * a lookup is under way share it. A name of another machine that resolves to this one, or to a
 * link-local or multicast address, is not followed there: its zone is somebody else's, and what
 * listens on the host's loopback trusts whoever comes (DNS rebinding). Who means this host writes
 * localhost. */
#include "gate_service.h"

#include "gate_trip.h"
#include "network/address.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

enum { QUIET = 60000 }; /* milliseconds between two reports of one service */

bool gate_is_looked_up(const char *host)
{
	const size_t len = strlen(host), suffix = strlen(".localhost");
	struct netlink_address ignored;

	if (address_parse(host, &ignored) || strcmp(host, "localhost") == 0)
		return 0;
	return len <= suffix || strcmp(host + len - suffix, ".localhost") != 0;
}

void gate_service_init(struct gate_services *all, size_t index, const char *host, uint16_t port)
{
	struct gate_service *service = &all->items[index];

	*service = (struct gate_service){ .all = all, .index = (uint16_t)index, .port = port };
	if (gate_is_looked_up(host))
		return;
	service->fixed_count = 1;
	if (address_parse(host, &service->fixed[0]))
		return;
	(void)address_parse("127.0.0.1", &service->fixed[0]); /* it is one */
	(void)address_parse("::1", &service->fixed[1]);       /* as above */
	service->fixed_count = 2;
}

/* Reports. */

bool gate_send_report(const struct gate_services *all, const struct gate_report *report)
{
	return send(all->control, report, sizeof *report, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       sizeof *report;
}

static void on_quiet_over(void *context)
{
	struct gate_service *service = context;
	struct gate_failures *failures = &service->failures;

	if (!failures->count)
		return;
	failures->last.count = failures->count;
	if (gate_send_report(service->all, &failures->last))
		failures->count = 0;
	loop_after(service->all->loop, QUIET, on_quiet_over, service, &failures->timer);
}

/* The first failure is told at once, what follows within a minute is counted. */
void gate_report_failure(struct gate_service *service, const struct gate_report *failure)
{
	struct gate_failures *failures = &service->failures;

	failures->last = *failure;
	if (failures->timer || !gate_send_report(service->all, &failures->last))
		failures->count++;
	if (!failures->timer)
		loop_after(service->all->loop, QUIET, on_quiet_over, service, &failures->timer);
}

static void on_crowd_over(void *context)
{
	(void)context; /* the next is told again */
}

void gate_report_crowd(struct gate_service *service, unsigned held)
{
	const struct gate_report crowd = {
		.service = service->index, .outcome = GATE_CROWDED, .code = (int32_t)held
	};

	if (!service->crowded && gate_send_report(service->all, &crowd))
		loop_after(service->all->loop, QUIET, on_crowd_over, service, &service->crowded);
}

/* Lookups. */

static void on_slow_lookup(void *context)
{
	struct gate_service *service = context;
	const struct gate_report slow = { .service = service->index, .outcome = GATE_SLOW };

	gate_give(service, service->fixed, 0, &slow);
}

void gate_look_up(struct gate_service *service)
{
	struct gate_question question = { ++service->sequence, service->index };

	if (service->lookup) {
		service->sequence--;
		return;
	}
	/* Where it cannot be asked its answer is late. */
	(void)send(service->all->resolver, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT);
	loop_after(service->all->loop, GATE_LOOKUP * 1000 + 500, on_slow_lookup, service,
		&service->lookup);
}

static bool is_same(const struct netlink_address *a, const struct netlink_address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == AF_INET6 ? 16 : 4) == 0;
}

/* An IPv4 address within an IPv6 one is an IPv4 address. */
static struct netlink_address unwrap(const struct netlink_address *address)
{
	struct netlink_address inner = { .family = AF_INET };

	if (address->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6))
		return *address;
	memcpy(inner.bytes, address->bytes + 12, 4);
	return inner;
}

/* Drops what is refused, which ends up in *ret_odd, and puts the good one first. */
static unsigned choose(const struct gate_service *service, struct gate_answer *answer,
	struct netlink_address *ret_odd)
{
	struct netlink_address *addresses = answer->addresses;
	unsigned count = 0;

	for (unsigned i = 0; i < answer->count && i < GATE_ADDRESSES; i++) {
		const struct netlink_address address = unwrap(&addresses[i]);

		if (address.family != AF_INET && address.family != AF_INET6)
			continue;
		if (address_is_odd(&address)) {
			*ret_odd = address;
			continue;
		}
		if (is_same(&address, &service->good)) {
			memmove(addresses + 1, addresses, count * sizeof *addresses);
			addresses[0] = address;
		} else {
			addresses[count] = address;
		}
		count++;
	}
	return count;
}

int gate_read_answer(struct gate_services *all)
{
	struct gate_answer answer;
	struct gate_report failure = { .outcome = GATE_UNRESOLVED };
	struct gate_service *service;
	ssize_t got = recv(all->resolver, &answer, sizeof answer, MSG_DONTWAIT);
	unsigned count;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got != sizeof answer)
		return -1;
	service = answer.to.service < all->count ? &all->items[answer.to.service] : NULL;
	if (!service || !service->lookup || answer.to.sequence != service->sequence)
		return 0; /* it came too late */
	loop_cancel(all->loop, &service->lookup);
	failure.service = service->index;
	failure.code = answer.code ? answer.code : EAI_NONAME;
	count = choose(service, &answer, &failure.address);
	if (failure.address.family)
		failure.outcome = GATE_REBOUND;
	gate_give(service, answer.addresses, count, &failure);
	return 0;
}
