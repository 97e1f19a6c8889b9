/* From the release's services, which are variables with URLs, to gates, which are hosts and ports.
 * With "egress": "open" a URL that no gate can stand for is left to the app. */
#include "services.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "model/service.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* A service of a release, taken apart. */
struct attached {
	char *name;
	struct service_endpoint endpoint;
};

static void attached_done(struct attached *attached, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(attached[i].name);
	free(attached);
}

/* Appends what stands behind "NAME=VARIABLE". */
static int take(const struct release *release, const char *item, struct attached *attached,
	size_t *count, struct error *err)
{
	const char *equals = strchr(item, '='); /* there is one: release_parse has made it */
	const char *url = strv_env_get(&release->env, equals + 1);
	struct service_endpoint endpoint;

	if (service_parse(url, &endpoint, err) < 0) {
		if (release->egress == EGRESS_OPEN)
			return 0;
		return error_wrap(err, "service %.*s", (int)(equals - item), item);
	}
	attached[(*count)++] = (struct attached){
		.name = memory_format("%.*s", (int)(equals - item), item),
		.endpoint = endpoint,
	};
	return 0;
}

static int start(const struct site_config *site, const struct attached *attached, size_t count,
	struct services *ret, struct error *err)
{
	CLEANUP_FREE struct gates_service *services = memory_new(count, sizeof *services);
	const struct gates_config config = {
		.services = services,
		.count = count,
		.is_open = site->release->egress == EGRESS_OPEN,
		.range = site->network,
	};

	for (size_t i = 0; i < count; i++)
		services[i] = (struct gates_service){
			.name = attached[i].name,
			.host = attached[i].endpoint.host,
			.port = attached[i].endpoint.port,
		};
	if (config.is_open)
		gates_resolver(&ret->resolv_conf);
	if (count > 0)
		gates_hosts(&config, &ret->hosts);
	return count > 0 || config.is_open ? gates_new(&config, &ret->gates, err) : 0;
}

int services_open(const struct site_config *site, struct services *ret, struct error *err)
{
	const struct release *release = site->release;
	struct attached *attached = memory_new(release->services.len, sizeof *attached);
	size_t count = 0;
	int status = 0;

	for (size_t i = 0; status == 0 && i < release->services.len; i++)
		status = take(release, release->services.items[i], attached, &count, err);
	if (status == 0)
		status = start(site, attached, count, ret, err);
	attached_done(attached, count);
	return status;
}

struct site_etc services_etc(const struct services *services)
{
	return (struct site_etc){
		.hosts = services->hosts.data,
		.resolv_conf = services->resolv_conf.data,
	};
}

void services_done(struct services *services)
{
	buf_done(&services->hosts);
	buf_done(&services->resolv_conf);
}

static void on_notice(void *context, const char *line)
{
	const struct instance_host *host = context;

	stream_event(host->stream, host->config->release->app, "%s", line);
}

static void on_report(void *context, int fd, uint32_t events)
{
	struct instance_host *host = context;
	struct error err;

	(void)events;
	if (gates_read(host->gates, on_notice, host, &err) == 0)
		return;
	loop_remove(host->loop, fd);
	host->failed(host->context, &err);
}

int services_watch(struct instance_host *host, int interrupt, struct error *err)
{
	const uint64_t wait = host->config->wait_services;

	if (!host->gates)
		return 0;
	if (wait ? gates_wait(host->gates, wait, interrupt, err) < 0
		 : gates_check(host->gates, err) < 0)
		return -1;
	return loop_add(host->loop, gates_fd(host->gates), EPOLLIN, on_report, host, err);
}
