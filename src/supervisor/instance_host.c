/* Where the instances of a run live: log stream, site, network and gates, opened in the order of
 * what fails soonest, and closed. What is done there is instance.c's and supervisor.c's. */
#include "instance_host.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "publish.h"
#include "services.h"
#include "supervisor/formation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	MANY = 16,            /* instances; fewer get larger pipes */
	PIPE_LARGE = 1 << 18, /* root's soft limit for pipes is 64 MiB in all */
};

static int open_stream(
	struct instance_host *host, const struct supervisor_config *config, struct error *err)
{
	struct stream_config stream = {
		.fd = config->output,
		.style = { .format = config->format, .color = config->color },
		.broken = host->broken,
		.context = host->context,
	};
	size_t longest = 0;
	unsigned largest = 0;

	for (size_t i = 0; i < config->formation->count; i++) {
		const struct formation_want *want = &config->formation->wants[i];
		size_t len = strlen(want->type->name);

		if (want->quantity == 0)
			continue;
		longest = len > longest ? len : longest;
		largest = want->quantity > largest ? want->quantity : largest;
	}
	stream.style.width = line_width(longest, largest);
	return stream_new(host->loop, &stream, &host->stream, err);
}

static void on_notice(void *context, const char *line)
{
	struct instance_host *host = context;

	stream_event(host->stream, host->config->release->app, "%s", line);
}

/* Each instance costs some descriptors; the usual soft limit of 1024 is there for select(2), which
 * nothing here uses. */
static void raise_files(struct rlimit *ret_before)
{
	struct rlimit raised;

	(void)getrlimit(RLIMIT_NOFILE, ret_before); /* cannot fail */
	raised = *ret_before;
	raised.rlim_cur = raised.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &raised); /* a launch says if it was too few */
}

/* Who asked for no limit need not hear of those that do not hold. */
static bool asks_for_limits(const struct release *release)
{
	for (size_t i = 0; i < release->process_count; i++)
		if (release->processes[i].limits.memory || release->processes[i].limits.cpu_milli)
			return true;
	return false;
}

/* First what is done on the host itself, then what is done behind it: there is no way back. */
static int open_place(struct instance_host *host, int interrupt, struct error *err)
{
	const struct site_config *config = host->config;
	__attribute__((cleanup(services_done))) struct services services = { 0 };
	struct site_etc etc;

	if (site_open(config, "", &host->site, err) < 0)
		return -1;
	if (*host->site.container.cgroup.notice && asks_for_limits(config->release))
		on_notice(host, host->site.container.cgroup.notice);
	if (publish_open(config, host->site.container.ids.own, on_notice, host, &host->network,
		    err) < 0 ||
		services_open(config, &services, err) < 0)
		return -1;
	host->gates = services.gates;
	etc = services_etc(&services);
	if (services_watch(host, interrupt, err) < 0 ||
		site_enter(&host->site, config, &etc, err) < 0)
		return -1;
	return network_start(host->network, err);
}

int instance_host_open(struct instance_host *host, const struct supervisor_config *config,
	int interrupt, struct error *err)
{
	host->config = &config->site;
	host->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (host->null < 0)
		return error_errno(err, "/dev/null");
	if (open_stream(host, config, err) < 0)
		return -1;
	host->answered = memory_new(config->site.release->process_count, sizeof *host->answered);
	if (formation_total(config->formation) <= MANY)
		host->pipe_size = PIPE_LARGE;
	/* Before anything sends descriptors: how many of a user's may be under way is this limit.
	 */
	raise_files(&host->files);
	return open_place(host, interrupt, err);
}

void instance_host_close(struct instance_host *host)
{
	gates_free(host->gates);
	network_free(host->network);
	site_done(&host->site);
	stream_free(host->stream);
	cleanup_close(&host->null);
	free(host->answered);
	*host = INSTANCE_HOST_NONE;
}
