/* One instance: the table's actions as system calls, and what comes of them as events.
 *
 * An instance is dead when its pidfd says so: then its whole pid namespace is, so its pipe has no
 * writer left and is read to the end before the death is told. So an instance's last words stand
 * before "exited" in the log, always. */
#include "instance.h"

#include "announce.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "supervisor/listeners.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HINT_AFTER = 5000 };

struct instance *instance_new(
	struct instance_host *host, const struct process_type *type, unsigned number, unsigned slot)
{
	struct instance *instance = memory_new(1, sizeof *instance);

	instance->host = host;
	instance->type = type;
	instance->number = number;
	instance->slot = slot;
	instance->name = memory_format("%s.%u", type->name, number);
	instance->state = PROCESS_STOPPED;
	instance->container = CONTAINER_NONE;
	return instance;
}

/* The pipe for both of its output streams. Its owner is the process, so that /dev/stdout can be
 * opened again inside, as many servers do to write their log. */
static int make_pipe(const struct instance *instance, int fds[2], struct error *err)
{
	const struct spec_ids *ids = &instance->host->site.container.ids;
	const struct release *release = instance->host->config->release;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "log pipe");
	if (instance->host->pipe_size > 0)
		(void)fcntl(fds[1], F_SETPIPE_SZ, instance->host->pipe_size); /* only for speed */
	/* Of who has no other ids it is already. */
	if (!ids->own && fchown(fds[1], ids->uid + release->uid, ids->gid + release->gid) < 0) {
		error_errno(err, "log pipe");
		cleanup_close(&fds[0]);
		cleanup_close(&fds[1]);
		return -1;
	}
	return 0;
}

static int join_network(void *context, int namespace_fd, struct error *err)
{
	struct instance *instance = context;

	if (network_join(instance->host->network, instance->slot, namespace_fd, err) < 0)
		return -1;
	if (!instance->host->gates)
		return 0;
	return gates_open(instance->host->gates, instance->slot, namespace_fd, err);
}

static void leave_network(const struct instance *instance)
{
	network_leave(instance->host->network, instance->slot);
	if (instance->host->gates)
		gates_close(instance->host->gates, instance->slot);
}

static int start_container(struct instance *instance, int output, struct error *err)
{
	const struct instance_host *host = instance->host;
	const struct release_launch how = {
		.type = instance->type,
		.instance = instance->name,
		.version = host->config->version,
		.ids = host->site.container.ids,
	};
	struct spec spec;
	struct container_launch launch = {
		.name = instance->name,
		.spec = &spec,
		.stdio = { host->null, output, output },
		.network = join_network,
		.context = instance,
	};
	int status;

	release_spec(host->config->release, &how, &spec);
	spec_add_rlimit(&spec, RLIMIT_NOFILE, host->files.rlim_cur, host->files.rlim_max);
	status = container_start(&host->site.container, &launch, &instance->container, err);
	spec_done(&spec);
	return status;
}

static void on_drained(void *context)
{
	struct instance *instance = context;

	instance->source = NULL;
	announce_refused(instance, UINT64_MAX);
	refused_done(&instance->refused);
	announce_end(instance);
	instance_handle(instance, PROCESS_EXITED);
}

static void on_dead(void *context, int fd, uint32_t events)
{
	struct instance *instance = context;
	struct instance_host *host = instance->host;
	struct error err;

	(void)events;
	loop_remove(host->loop, fd);
	probe_cancel(&instance->probe);
	loop_cancel(host->loop, &instance->timer);
	if (container_wait(&instance->container, &instance->end, &err) < 0) {
		instance->end = (struct container_end){ .status = SIGKILL };
		stream_event(host->stream, instance->name, "%s", err.text);
	}
	container_done(&host->site.container, &instance->container);
	host->died(host->context);
	leave_network(instance);
	stream_end(instance->source, on_drained, instance);
}

/* After the launch: watched by the loop, heard by the stream. */
static int watch(struct instance *instance, int *output, struct error *err)
{
	struct instance_host *host = instance->host;

	if (loop_add(host->loop, instance->container.sandbox.pidfd, EPOLLIN, on_dead, instance,
		    err) < 0)
		return -1;
	announce_unenforced(instance);
	stream_event(host->stream, instance->name, "started");
	if (stream_add(host->stream, instance->name, instance->slot, output, &instance->source,
		    err) == 0)
		return 0;
	loop_remove(host->loop, instance->container.sandbox.pidfd);
	return -1;
}

static int launch(struct instance *instance, struct error *err)
{
	struct instance_host *host = instance->host;
	CLEANUP_CLOSE int output = -1;
	int fds[2];
	int status;

	if (make_pipe(instance, fds, err) < 0)
		return -1;
	output = fds[0];
	instance->launched = clock_now();
	status = start_container(instance, fds[1], err);
	cleanup_close(&fds[1]);
	if (status < 0) {
		leave_network(instance);
		return -1;
	}
	if (watch(instance, &output, err) == 0)
		return 0;
	container_done(&host->site.container, &instance->container);
	leave_network(instance);
	return -1;
}

/* A command that is not there will not be there in a second either; a want of memory or processes
 * passes, unless it was there from the first launch on. */
static void do_launch(struct instance *instance)
{
	bool first = instance->launched == 0;
	struct error err;

	if (launch(instance, &err) == 0) {
		instance_handle(instance, PROCESS_LAUNCHED);
		return;
	}
	error_wrap(&err, "start %s", instance->name);
	instance->failure = err;
	if (first || err.kind != ERROR_FAILED) {
		instance_handle(instance, PROCESS_UNLAUNCHABLE);
		return;
	}
	stream_event(instance->host->stream, instance->name, "%s", err.text);
	instance_handle(instance, PROCESS_NOT_LAUNCHED);
}

static int dial(void *context)
{
	struct instance *instance = context;
	struct error ignored; /* it will be tried again */

	return network_dial(
		instance->host->network, instance->slot, instance->type->port_number, &ignored);
}

static bool *answered(const struct instance *instance)
{
	return &instance->host
			->answered[instance->type - instance->host->config->release->processes];
}

static bool explain(const struct instance *instance, char text[LISTENERS_TEXT])
{
	struct listeners listeners;

	listeners_read(instance->container.sandbox.pid, &listeners);
	return listeners_explain(&listeners, instance->type->port_number, text);
}

static void on_probed(void *context, bool ready, const char *why)
{
	struct instance *instance = context;
	char text[LISTENERS_TEXT];

	loop_cancel(instance->host->loop, &instance->timer);
	if (ready) {
		*answered(instance) = true;
		announce_ready(instance);
		instance_handle(instance, PROCESS_ANSWERED);
		return;
	}
	if (!explain(instance, text))
		(void)snprintf(text, sizeof text, "%s", *why ? why : "does not answer"); /* fits */
	announce_boot_timeout(instance, text);
	instance_handle(
		instance, *answered(instance) ? PROCESS_BOOT_TIMEOUT : PROCESS_BOOT_FAILURE);
}

/* Long before the boot timeout: whoever listens on the wrong place will not move. */
static void on_hint(void *context)
{
	struct instance *instance = context;
	char text[LISTENERS_TEXT];

	if (explain(instance, text))
		stream_event(instance->host->stream, instance->name, "not ready yet: %s", text);
}

static void do_probe(struct instance *instance)
{
	struct instance_host *host = instance->host;
	const struct probe_config config = {
		.loop = host->loop,
		.path = instance->type->ready_path,
		.timeout = instance->type->ready_timeout,
		.dial = dial,
		.end = on_probed,
		.context = instance,
	};

	if (!instance->type->port) {
		*answered(instance) = true;
		instance_handle(instance, PROCESS_ANSWERED);
		return;
	}
	if (config.timeout > 2 * HINT_AFTER)
		loop_after(host->loop, HINT_AFTER, on_hint, instance, &instance->timer);
	probe_start(&config, &instance->probe);
}

static void on_grace_over(void *context)
{
	struct instance *instance = context;

	announce_grace_over(instance);
	instance_handle(instance, PROCESS_GRACE_OVER);
}

static void do_signal(struct instance *instance)
{
	struct instance_host *host = instance->host;
	struct error err;

	probe_cancel(&instance->probe);
	stream_event(host->stream, instance->name, "stopping");
	if (container_signal(&instance->container, instance->type->stop_signal, &err) < 0)
		stream_event(host->stream, instance->name, "%s", err.text);
	loop_after(host->loop, instance->type->stop_timeout, on_grace_over, instance,
		&instance->timer);
}

static void do_kill(struct instance *instance)
{
	struct error err;

	probe_cancel(&instance->probe);
	loop_cancel(instance->host->loop, &instance->timer);
	if (instance->container.sandbox.pidfd < 0)
		return; /* dead already, its last lines are still being written */
	if (container_kill(&instance->container, &err) == 0)
		return;
	stream_event(instance->host->stream, instance->name, "%s", err.text);
	(void)container_signal(&instance->container, SIGKILL, &err); /* pid 1: nothing survives */
}

static void on_retry(void *context)
{
	instance_handle(context, PROCESS_RETRY);
}

static void do_backoff(struct instance *instance)
{
	uint64_t delay;

	instance->failures = process_failures(instance->failures, clock_now() - instance->launched);
	delay = process_backoff(instance->failures);
	stream_event(instance->host->stream, instance->name, "restarting in %u s",
		(unsigned)(delay / 1000));
	loop_after(instance->host->loop, delay, on_retry, instance, &instance->timer);
}

static void do_forget(struct instance *instance)
{
	loop_cancel(instance->host->loop, &instance->timer);
	instance->forgotten = true;
	instance->host->gone(instance->host->context);
}

static void set_published(struct instance *instance, bool published)
{
	if (instance->published == published || !instance->type->port)
		return;
	instance->published = published;
	instance->host->changed(instance->host->context, !published);
}

void instance_handle(struct instance *instance, enum process_event event)
{
	const enum process_state was = instance->state;
	const struct process_step step = process_step(was, event);

	if (!step.valid)
		return; /* a late event; the table's test knows which there are */
	instance->state = step.next;
	if (was == PROCESS_BACKOFF && step.next == PROCESS_STOPPED)
		stream_event(instance->host->stream, instance->name, "stopped");
	if (step.actions & PROCESS_DO_RETIRE)
		set_published(instance, false);
	if (step.actions & PROCESS_DO_SIGNAL)
		do_signal(instance);
	if (step.actions & PROCESS_DO_KILL)
		do_kill(instance);
	if (step.actions & PROCESS_DO_PUBLISH)
		set_published(instance, true);
	if (step.actions & PROCESS_DO_BACKOFF)
		do_backoff(instance);
	if (step.actions & PROCESS_DO_FAIL)
		instance->host->failed(instance->host->context, &instance->failure);
	if (step.actions & PROCESS_DO_FORGET)
		do_forget(instance);
	/* Last, for their outcome is an event of its own. */
	if (step.actions & PROCESS_DO_PROBE)
		do_probe(instance);
	if (step.actions & PROCESS_DO_LAUNCH)
		do_launch(instance);
}

void instance_free(struct instance *instance)
{
	struct instance_host *host = instance->host;

	probe_cancel(&instance->probe);
	loop_cancel(host->loop, &instance->timer);
	if (instance->container.sandbox.pidfd >= 0) {
		loop_remove(host->loop, instance->container.sandbox.pidfd);
		container_done(&host->site.container, &instance->container);
	}
	refused_done(&instance->refused);
	free(instance->name);
	free(instance);
}
