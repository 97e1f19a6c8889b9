/* One-offs. The same place, the same spec and the same container as an instance's, so that what
 * works here works there; what is missing is all that a formation adds: no loop, no log stream, no
 * router, no lock. That, and not any cleverness, is why a one-off is quick. */
#include "supervisor/oneoff.h"

#include "base/cleanup.h"
#include "container/attach.h"
#include "container/streams.h"
#include "network/gates.h"
#include "network/network.h"
#include "services.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct process_type *oneoff_type(const struct release *release)
{
	const struct process_type *web = release_process(release, "web");

	return web ? web : release->processes;
}

/* The ways in and out of a one-off. */
struct ways {
	struct gates *gates; /* NULL: there are none */
	int refused;
	struct streams streams;
};

static int join_network(void *context, int namespace_fd, struct error *err)
{
	struct ways *ways = context;

	if (network_join_alone(namespace_fd, &ways->refused, err) < 0)
		return -1;
	return ways->gates ? gates_open(ways->gates, 0, namespace_fd, err) : 0;
}

static void on_refused(void *context, unsigned slot, const char *what)
{
	struct oneoff_result *result = context;
	size_t at = 0;

	(void)slot;
	while (at < result->refused_count && strcmp(result->refused[at].what, what) != 0)
		at++;
	if (at == ONEOFF_REFUSED) {
		result->refused_others++;
		return;
	}
	if (at == result->refused_count)
		(void)snprintf(result->refused[result->refused_count++].what,
			sizeof result->refused->what, "%s", what); /* fits */
	result->refused[at].times++;
}

static void on_notice(void *context, const char *line)
{
	struct oneoff_result *result = context;

	if (result->notices.len < ONEOFF_NOTICES)
		strv_add(&result->notices, line);
}

/* Output that was lost is a failure, whatever the command says: it may not have noticed. */
static void close_streams(struct ways *ways, struct oneoff_result *ret)
{
	struct error lost;

	if (streams_done(&ways->streams, &lost) == 0)
		return;
	strv_add(&ret->notices, lost.text);
	if (ret->status == 0)
		ret->status = ONEOFF_LOST;
}

/* What it is told of its services and refusals is for after its end, as its streams are its own. */
static void close_ways(struct ways *ways, struct oneoff_result *ret)
{
	struct error ignored; /* the command has ended, and no more depends on them */

	network_read_refused_alone(ways->refused, on_refused, ret);
	cleanup_close(&ways->refused);
	if (!ways->gates)
		return;
	gates_close(ways->gates, 0);
	(void)gates_read(ways->gates, on_notice, ret, &ignored);
	gates_free(ways->gates);
}

/* From the host into the site, with gates to what is outside. */
static int enter(
	const struct oneoff_config *config, struct site *site, struct ways *ways, struct error *err)
{
	const uint64_t wait = config->site.wait_services;
	__attribute__((cleanup(services_done))) struct services services = { 0 };
	struct site_etc etc;

	if (services_open(&config->site, &services, err) < 0)
		return -1;
	ways->gates = services.gates;
	etc = services_etc(&services);
	if (ways->gates && wait && gates_wait(ways->gates, wait, -1, err) < 0)
		return -1;
	return site_enter(site, &config->site, &etc, err);
}

static int start(const struct oneoff_config *config, const struct site *site, struct ways *ways,
	struct container *ret, struct error *err)
{
	static const int own[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };

	const struct release *release = config->site.release;
	struct spec spec;
	struct release_launch how = {
		.type = config->type ? config->type : oneoff_type(release),
		.instance = config->type ? "release.1" : "run.1",
		.argv = config->argv,
		.version = config->site.version,
		.terminal = config->terminal,
		.term = config->term,
		.ids = site->container.ids,
	};
	struct container_launch launch = {
		.name = how.instance,
		.spec = &spec,
		.network = join_network,
		.context = ways,
	};
	int status;

	if (config->terminal && attach_size(&launch.columns, &launch.rows)) {
		how.columns = launch.columns;
		how.rows = launch.rows;
	}
	if (!config->terminal && streams_open(own, &site->container.ids, release->uid, release->gid,
					 &ways->streams, err) < 0)
		return -1;
	memcpy(launch.stdio, ways->streams.fds, sizeof launch.stdio);
	release_spec(release, &how, &spec);
	status = container_start(&site->container, &launch, ret, err);
	spec_done(&spec);
	streams_started(&ways->streams);
	return status;
}

static int attend(struct attach *attach, struct container *container, struct oneoff_result *ret,
	struct error *err)
{
	struct container_end end;

	if (attach_run(attach, container, err) < 0 || container_wait(container, &end, err) < 0)
		return -1;
	ret->status =
		WIFSIGNALED(end.status) ? 128 + WTERMSIG(end.status) : WEXITSTATUS(end.status);
	ret->oom = end.oom;
	ret->missing = container->cgroup.missing;
	return 0;
}

int oneoff_run(const struct oneoff_config *config, struct oneoff_result *ret, struct error *err)
{
	struct container container = CONTAINER_NONE;
	struct attach attach = { .signals = -1 };
	struct ways ways = { .refused = -1, .streams = STREAMS_NONE };
	struct site site;
	int status;

	if (config->site.release->process_count == 0)
		return error_set(
			err, ERROR_CONFIG, "%s has no process type", config->site.release->app);
	if (site_open(&config->site, "-run", &site, err) < 0)
		return -1;
	status = enter(config, &site, &ways, err);
	if (status == 0)
		status = attach_begin(&attach, err);
	if (status == 0)
		status = start(config, &site, &ways, &container, err);
	if (status == 0)
		status = attend(&attach, &container, ret, err);
	(void)snprintf(
		ret->notice, sizeof ret->notice, "%s", site.container.cgroup.notice); /* fits */
	container_done(&site.container, &container);
	close_streams(&ways, ret);
	close_ways(&ways, ret);
	attach_end(&attach);
	site_done(&site);
	return status;
}
