/* The child's side of a launch.
 *
 * Theory of operation. Parent and child speak over a SOCK_SEQPACKET pair (protocol.h), the parent
 * in sandbox.c:
 *
 *	parent                                  child, named isorun:[setup] in ps
 *	clone3                          ------> close_range, standard streams, wait
 *	write maps, open the netns
 *	-- SETUP ------------------------------> launch_setup: namespaces, mounts, root
 *	(the caller moves a veth in meanwhile)   launch_confine: limits, user, capabilities
 *	                                         pid 1 loads the filter and forks the main process
 *	<- READY, terminal's master ------------ from here on it is the main process that speaks
 *	-- START ------------------------------> launch_execute: session, filter, execve
 *	<- EXEC --------------------------------
 *	<- end of file, or a record that says why not
 *
 * As much as possible is done before READY, because it needs nothing of the network and so runs
 * while the parent makes one: loading the filter takes the kernel longer than all the mounts.
 * Without a pid 1 of ours the filter is loaded last of all instead, because a filter made by others
 * need not allow what launch_execute does.
 *
 * Every record may instead be a failure, after which the child has exited. End of file before EXEC
 * means that the child died in the stage it was in. The end of file after EXEC comes because every
 * descriptor of the socket is closed by execve(2): ours by CLOEXEC, and pid 1, which never executes
 * anything, closes its own.
 *
 * When the parent dies, at whatever point, the child goes with it: it either waits on the socket,
 * which ends, or will wait on it soon; from confine_lifetime on the kernel kills it. */
#include "launch.h"
#include "base/cleanup.h"
#include "kernel/process.h"
#include "protocol.h"

#include <fcntl.h>
#include <unistd.h>

/* Out of the way of 0, 1 and 2, which are about to be replaced. */
static int move_up(int *fd, struct error *err)
{
	int moved;

	if (*fd < 0 || *fd > STDERR_FILENO)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		return error_errno(err, "move descriptor");
	*fd = moved;
	return 0;
}

static int take_streams(struct launch *launch, struct error *err)
{
	for (int i = 0; i < 3; i++)
		if (launch->stdio[i] != i && move_up(&launch->stdio[i], err) < 0)
			return -1;
	for (int i = 0; i < 3; i++) {
		/* With a terminal, the root holds the place until there is one. */
		int stream = launch->stdio[i] < 0 ? launch->root : launch->stdio[i];

		if (stream == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(stream, i) < 0)
			return error_errno(err, "standard streams");
	}
	return 0;
}

/* First of all: who else waits for the end of a pipe or a socket that isorun holds must not wait
 * for us, and nothing that leaked into isorun may reach the process. */
static int keep_own_descriptors(struct launch *launch, struct error *err)
{
	size_t count = 0;

	if (move_up(&launch->sync, err) < 0 || move_up(&launch->report, err) < 0 ||
		move_up(&launch->root, err) < 0)
		return -1;
	for (size_t i = 0; i < launch->spec->mount_count; i++)
		if (move_up(&launch->binds[i], err) < 0)
			return -1;
	if (take_streams(launch, err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		process_keep(launch->keep, &count, i);
	process_keep(launch->keep, &count, launch->sync);
	process_keep(launch->keep, &count, launch->report);
	process_keep(launch->keep, &count, launch->root);
	for (size_t i = 0; i < launch->spec->mount_count; i++)
		process_keep(launch->keep, &count, launch->binds[i]);
	return process_close_others(launch->keep, count, err);
}

/* Waits until the parent says so; if it is no more, neither are we. */
static int await(struct launch *launch, enum launch_stage stage, struct error *err)
{
	struct launch_record record;
	int none;
	int got = launch_receive(launch->sync, &record, &none, err);

	if (got == 0)
		_exit(0);
	if (got > 0 && record.stage != stage)
		return error_set(
			err, ERROR_FAILED, "launch protocol: stage %u out of order", record.stage);
	return got < 0 ? -1 : 0;
}

/* Everything but execve; after this, the process is the main one. */
static int set_up(struct launch *launch, struct error *err)
{
	const struct launch_record ready = { .stage = LAUNCH_READY };

	if (keep_own_descriptors(launch, err) < 0 || await(launch, LAUNCH_SETUP, err) < 0 ||
		steps_run(launch_setup, launch, err) < 0 ||
		steps_run(launch_confine, launch, err) < 0)
		return -1;
	if (launch->spec->init && init_fork(launch, err) < 0)
		return -1;
	if (launch_send(launch->sync, &ready, launch->master, err) < 0)
		return -1;
	cleanup_close(&launch->master);
	return await(launch, LAUNCH_START, err);
}

static _Noreturn void give_up(const struct launch *launch, struct launch_record *failure)
{
	struct error ignored;

	failure->failed = 1;
	(void)launch_send(launch->sync, failure, -1, &ignored); /* the parent is dead, then */
	_exit(error_status(&failure->error));
}

_Noreturn void launch_child(struct launch *launch)
{
	struct launch_record failure = { .stage = LAUNCH_SETUP };

	process_rename("isorun:[setup]");
	if (set_up(launch, &failure.error) == 0) {
		failure.stage = LAUNCH_START;
		(void)steps_run(launch_execute, launch, &failure.error); /* returns only to fail */
	}
	give_up(launch, &failure);
}
