/* The gates' process and its start. It is forked, not executed, and stays in the host's network
 * namespace, for from there services are reached. So it is the one process of isorun's that an app
 * talks to, by the bytes that it passes on, and that could talk to anybody: it keeps the two kinds
 * of sockets and loses all else. It is the first process of a pid namespace, so that it sees no
 * other, and that the resolver dies with it; it dies with its parent.
 *
 * An ordinary user may have all that in a user namespace in which it is nobody but itself. */
#include "gate_process.h"

#include "base/cleanup.h"
#include "gate_loop.h"
#include "gate_resolver.h"
#include "gate_service.h"
#include "kernel/process.h"
#include "kernel/userns.h"
#include "seclude.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAP = 40 };

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
	if (confine(config, &parts, &err) < 0) {
		(void)send(
			control, &err, sizeof err, MSG_NOSIGNAL); /* or the parent sees the end */
		_exit(1);
	}
	if (send(control, "", 1, MSG_NOSIGNAL) == 1)
		(void)gate_run(config, &parts, &err); /* until the end */
	_exit(0);
}

static int map_itself(pid_t pid, struct error *err)
{
	char path[MAP], uid_map[MAP], gid_map[MAP];
	CLEANUP_CLOSE int fd = -1;

	(void)snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid); /* these fit */
	(void)snprintf(uid_map, sizeof uid_map, "%u %u 1\n", geteuid(), geteuid());
	(void)snprintf(gid_map, sizeof gid_map, "%u %u 1\n", getegid(), getegid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "deny", 4) != 4)
		return error_errno(err, "setgroups");
	return userns_write_maps(pid, uid_map, gid_map, err);
}

/* Takes the child's word that it is confined: one byte, or why it is not. */
static int await_ready(int control, struct error *err)
{
	struct error report;
	ssize_t got = recv(control, &report, sizeof report, 0);

	if (got == 1)
		return 0;
	if (got == (ssize_t)sizeof report) {
		*err = report;
		return -1;
	}
	return error_set(err, ERROR_FAILED, "it died at its start");
}

static int start(const struct gates_config *config, struct gate_process *ret, struct error *err)
{
	const bool is_root = geteuid() == 0;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket pair");
	ret->control = ends[0];
	pid = process_clone(CLONE_NEWPID | (is_root ? 0 : CLONE_NEWUSER), -1, &ret->pidfd, err);
	if (pid == 0) {
		(void)close(ends[0]); /* the parent's, or it would never see the end */
		run_child(config, ends[1]);
	}
	(void)close(ends[1]); /* the child's */
	if (pid < 0 || (!is_root && map_itself(pid, err) < 0))
		return -1;
	if (send(ret->control, "", 1, MSG_NOSIGNAL) != 1)
		return error_errno(err, "start it");
	return await_ready(ret->control, err);
}

int gate_process_start(
	const struct gates_config *config, struct gate_process *ret, struct error *err)
{
	struct gate_process process = GATE_PROCESS_NONE;

	if (start(config, &process, err) < 0) {
		gate_process_stop(&process, 0);
		return -1;
	}
	*ret = process;
	return 0;
}

void gate_process_stop(struct gate_process *process, int milliseconds)
{
	struct pollfd end = { .fd = process->pidfd, .events = POLLIN };
	struct error ignored;
	int status;

	cleanup_close(&process->control);
	if (process->pidfd >= 0) {
		(void)poll(&end, 1, milliseconds); /* if it does not, it is killed */
		(void)syscall(
			SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0); /* or gone */
		(void)process_wait(process->pidfd, &status, &ignored); /* whatever it was */
	}
	cleanup_close(&process->pidfd);
	*process = GATE_PROCESS_NONE;
}
