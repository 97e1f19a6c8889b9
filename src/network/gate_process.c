/* The gates' process and its start. It is forked, not executed, and stays in the host's network
 * namespace, for from there services are reached. So it is the one process of isorun's that an app
 * talks to, by the bytes that it passes on, and that could talk to anybody: it keeps the two kinds
 * of sockets and loses all else. It is the first process of a pid namespace, so that it sees no
 * other, and that the resolver dies with it; it dies with its parent.
 *
 * An ordinary user may have all that in a user namespace in which it is nobody but itself. */
#include "gate_process.h"

#include "gate_loop.h"
#include "gate_resolver.h"
#include "gate_service.h"
#include "kernel/process.h"
#include "kernel/userns.h"
#include "seclude.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_names(const struct gates_config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (gate_is_looked_up(config->services[i].host))
			return true;
	return false;
}

/* With egress "open" any port may be connected to; all else of it holds then, too. */
static int keep_to_services(const struct gates_config *config, struct error *err)
{
	uint16_t ports[GATES_MAX];

	if (config->is_open)
		return seclude_ports(NULL, 0, err);
	for (size_t i = 0; i < config->count; i++)
		ports[i] = config->services[i].port;
	return seclude_ports(ports, config->count, err);
}

static int confine(const struct gates_config *config, struct gate_parts *parts, struct error *err)
{
	if (seclude_descriptors(&parts->control, 1, err) < 0)
		return -1;
	process_rename("isorun:[gates]");
	seclude_signals();
	seclude_files();
	if (has_names(config)) {
		parts->resolver = gate_resolver_start(config, parts->control, err);
		if (parts->resolver < 0)
			return -1;
	}
	if (config->is_open)
		parts->egress = egress_new(config->range);
	if (seclude_root(err) < 0 || seclude_rights(0, err) < 0)
		return -1;
	return keep_to_services(config, err);
}

/* The first byte from the parent says that the user namespace, if there is one, has its maps. */
static void run_child(const struct gates_config *config, int control)
{
	struct gate_parts parts = { .control = control, .resolver = -1 };
	struct error err = { 0 };
	char byte;

	if (recv(control, &byte, 1, 0) != 1)
		_exit(1);
	if (confine(config, &parts, &err) < 0)
		helper_give_up(control, &err);
	if (helper_ready(control) == 0)
		(void)gate_run(config, &parts, &err); /* until the end */
	_exit(0);
}

static int start(const struct gates_config *config, struct helper *ret, struct error *err)
{
	const bool is_root = geteuid() == 0;
	int control;
	pid_t pid = helper_clone(is_root ? 0 : CLONE_NEWUSER, ret, &control, err);

	if (pid == 0)
		run_child(config, control);
	if (pid < 0 || (!is_root && userns_map_own(pid, geteuid(), getegid(), err) < 0))
		return -1;
	if (send(ret->control, "", 1, MSG_NOSIGNAL) != 1)
		return error_errno(err, "start it");
	return helper_await(ret, err);
}

int gate_process_start(const struct gates_config *config, struct helper *ret, struct error *err)
{
	if (start(config, ret, err) == 0)
		return 0;
	helper_done(ret, 0);
	return -1;
}
