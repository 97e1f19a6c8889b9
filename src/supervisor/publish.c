/* Ports: reserved from the start, open only while an instance is ready. */
#include "publish.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <string.h>

int publish_open(const struct site_config *config, bool own, network_on_notice *notice,
	void *context, struct network **ret, struct error *err)
{
	const struct release *release = config->release;
	CLEANUP_FREE struct network_port *ports = memory_new(release->port_count, sizeof *ports);
	const struct network_config network = {
		.range = config->network,
		.ports = ports,
		.port_count = release->port_count,
		.own = own,
		.notice = notice,
		.context = context,
	};

	for (size_t i = 0; i < release->port_count; i++) {
		const struct config_port *port = &release->ports[i];
		const struct process_type *type = release_process(release, port->process);

		ports[i] = (struct network_port){
			.address = port->address,
			.outside = port->port,
			.inside = type ? type->port_number : PORT_DEFAULT,
		};
	}
	return network_new(&network, ret, err);
}

static void announce(const struct instance_host *host, const struct config_port *port)
{
	bool any = strcmp(port->address, "*") == 0 || strcmp(port->address, "0.0.0.0") == 0 ||
		   strcmp(port->address, "[::]") == 0;

	stream_event(host->stream, port->process, "listening on http://%s:%u",
		any ? "localhost" : port->address, port->port);
}

/* Returns how many instances the port has, or -1. */
static int publish_port(const struct instance_host *host, const struct instance *instances,
	size_t index, struct error *err)
{
	const struct config_port *port = &host->config->release->ports[index];
	unsigned slots[NETWORK_SLOTS] = { 0 };
	size_t count = 0;

	for (const struct instance *i = instances; i; i = i->next)
		if (i->published && strcmp(i->type->name, port->process) == 0)
			slots[count++] = i->slot;
	if (network_publish(host->network, index, slots, count, err) < 0)
		return error_wrap(err, "publish port %u", port->port);
	return (int)count;
}

int publish_all(const struct instance_host *host, const struct instance *instances, bool *announced,
	struct error *err)
{
	const struct release *release = host->config->release;

	for (size_t i = 0; i < release->port_count; i++) {
		int count = publish_port(host, instances, i, err);

		if (count < 0)
			return -1;
		if (count > 0 && !announced[i])
			announce(host, &release->ports[i]);
		announced[i] = announced[i] || count > 0;
	}
	return 0;
}
