/* One-offs. The same place, the same spec and the same container as an instance's, so that what
 * works here works there; what is missing is all that a formation adds: no loop, no log stream, no
 * router, no lock. That, and not any cleverness, is why a one-off is quick. */
#include "supervisor/oneoff.h"

#include "base/cleanup.h"
#include "container/attach.h"
#include "network/network.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct process_type *oneoff_type(const struct release *release)
{
	const struct process_type *web = release_process(release, "web");

	return web ? web : release->processes;
}

static int join_network(void *context, int namespace_fd, struct error *err)
{
	return network_join_alone(namespace_fd, context, err);
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

static int start(const struct oneoff_config *config, const struct site *site, int *ret_refused,
	struct container *ret, struct error *err)
{
	const struct release *release = config->site.release;
	struct spec spec;
	struct release_launch how = {
		.type = oneoff_type(release),
		.instance = "run.1",
		.argv = config->argv,
		.version = config->site.version,
		.terminal = config->terminal,
		.term = config->term,
		.ids = site->container.ids,
	};
	struct container_launch launch = {
		.name = how.instance,
		.spec = &spec,
		.stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.network = join_network,
		.context = ret_refused,
	};
	int status;

	if (config->terminal && attach_size(&launch.columns, &launch.rows)) {
		how.columns = launch.columns;
		how.rows = launch.rows;
	}
	release_spec(release, &how, &spec);
	status = container_start(&site->container, &launch, ret, err);
	spec_done(&spec);
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
	CLEANUP_CLOSE int refused = -1;
	struct site site;
	int status;

	if (config->site.release->process_count == 0)
		return error_set(
			err, ERROR_CONFIG, "%s has no process type", config->site.release->app);
	if (site_open(&config->site, "-run", &site, err) < 0)
		return -1;
	status = site_enter(&site, &config->site, &(struct site_etc){ 0 }, err);
	if (status == 0)
		status = attach_begin(&attach, err);
	if (status == 0)
		status = start(config, &site, &refused, &container, err);
	if (status == 0)
		status = attend(&attach, &container, ret, err);
	network_read_refused_alone(refused, on_refused, ret);
	container_done(&site.container, &container);
	attach_end(&attach);
	site_done(&site);
	return status;
}
