/* From the network's words about a slot to a line of that slot's instance. A stream that waits for
 * its reader is told nothing: its lines would pile up in memory, and counting loses nothing. */
#include "refusals.h"

#include "announce.h"
#include "base/clock.h"

#include <sys/epoll.h>

static void on_refused(void *context, unsigned slot, const char *what)
{
	const struct refusals *refusals = context;
	const struct instance_host *host = refusals->host;
	const bool quiet = stream_is_full(host->stream);
	const uint64_t now = clock_now();
	struct instance *instance = *refusals->instances;
	char text[REFUSED_TEXT];

	while (instance && instance->slot != slot)
		instance = instance->next;
	if (!instance)
		return;
	if (refused_take(&instance->refused, host->config->release->egress, what, now, quiet, text))
		stream_event(host->stream, instance->name, "%s", text);
	if (!quiet)
		announce_refused(instance, now);
}

void refusals_read(struct refusals *refusals)
{
	network_read_refused(refusals->host->network, on_refused, refusals);
}

static void on_readable(void *context, int fd, uint32_t events)
{
	(void)fd, (void)events;
	refusals_read(context); /* what is left makes the next event */
}

int refusals_open(struct refusals *refusals, struct error *err)
{
	const int fd = network_refused_fd(refusals->host->network);

	if (fd < 0)
		return 0;
	return loop_add(refusals->host->loop, fd, EPOLLIN, on_readable, refusals, err);
}

void refusals_done(struct refusals *refusals)
{
	if (refusals->host && refusals->host->network)
		loop_remove(refusals->host->loop, network_refused_fd(refusals->host->network));
}
