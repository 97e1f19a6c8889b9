/* The supervisor: one loop over signals, pidfds, pipes, probes and timers.
 *
 * Theory of operation: nothing is started or stopped but by settle, which asks formation_plan for
 * what is wanted × what is there, and hands START and STOP to instances; their table does the rest.
 * Whatever changes the answer (an instance that is gone, a signal, a failure) has settle called
 * again, from the loop and never from within an instance. Stopping is wanting nothing. Once nothing
 * is wanted and nothing is there, the log stream is flushed and the loop ends.
 *
 * Deliberately absent: clean-up for a killed isorun. Mounts and interfaces live in namespaces,
 * processes under a pid 1 that dies with us, and the rest is swept by the next run. */
#include "supervisor/supervisor.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/memory.h"
#include "container/attach.h"
#include "instance.h"
#include "instance_host.h"
#include "publish.h"
#include "refusals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

enum { STARTS_A_ROUND = 4 }; /* launches between two looks at the signals */

struct supervisor {
	const struct supervisor_config *config;
	struct loop *loop;
	struct instance_host host;
	struct instance *instances;
	struct refusals refusals;
	struct formation wanted; /* empty once stopping */
	int signals;             /* signalfd */
	bool stopping;
	bool failed;
	bool *announced; /* by port */
	struct error *err;
	struct loop_timer *settle;
	struct loop_timer *publish;
};

static void on_settle(void *context);

static void settle_soon(struct supervisor *supervisor)
{
	loop_after(supervisor->loop, 0, on_settle, supervisor, &supervisor->settle);
}

static void fail(struct supervisor *supervisor, const struct error *err);

static void on_publish(void *context)
{
	struct supervisor *supervisor = context;
	struct error err;

	if (publish_all(&supervisor->host, supervisor->instances, supervisor->announced, &err) < 0)
		fail(supervisor, &err);
}

/* Called by an instance: leaving is done before its stop signal, coming can wait for others. */
static void on_changed(void *context, bool now)
{
	struct supervisor *supervisor = context;

	if (now) {
		loop_cancel(supervisor->loop, &supervisor->publish);
		on_publish(supervisor);
	} else if (!supervisor->publish) {
		loop_after(supervisor->loop, 0, on_publish, supervisor, &supervisor->publish);
	}
}

/* Stopping. */

/* Unpublishes all at once, so that no connection goes to one that is to be stopped next. */
static void stop(struct supervisor *supervisor)
{
	bool any = false;

	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	formation_done(&supervisor->wanted);
	for (struct instance *i = supervisor->instances; i; i = i->next) {
		any = any || i->published;
		i->published = false;
	}
	if (any)
		on_changed(supervisor, true);
	settle_soon(supervisor);
}

static void fail(struct supervisor *supervisor, const struct error *err)
{
	if (!supervisor->failed)
		*supervisor->err = *err; /* the first is the one to tell */
	supervisor->failed = true;
	stop(supervisor);
}

static void on_failed(void *context, const struct error *err)
{
	fail(context, err);
}

static void on_gone(void *context)
{
	settle_soon(context);
}

static void on_died(void *context)
{
	refusals_read(&((struct supervisor *)context)->refusals);
}

static void on_stream_broken(void *context)
{
	struct supervisor *supervisor = context;
	struct error err;

	if (!supervisor->stopping && stream_is_broken(supervisor->host.stream, &err))
		fail(supervisor, &err);
}

/* Returns whether there was anything to kill. */
static bool kill_all(struct supervisor *supervisor)
{
	bool any = false;

	for (struct instance *i = supervisor->instances; i; i = i->next) {
		any = any || i->container.sandbox.pidfd >= 0;
		instance_handle(i, PROCESS_KILL);
	}
	return any;
}

/* The first asks, the second kills; once all are dead, the next does not even wait for whoever
 * reads the log. */
static void on_signal(void *context, int fd, uint32_t events)
{
	struct supervisor *supervisor = context;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	if (!supervisor->stopping)
		stop(supervisor);
	else if (!kill_all(supervisor))
		loop_stop(supervisor->loop);
}

/* Settling. */

static void drop_forgotten(struct supervisor *supervisor)
{
	struct instance **at = &supervisor->instances;

	while (*at) {
		struct instance *instance = *at;

		if (!instance->forgotten) {
			at = &instance->next;
			continue;
		}
		*at = instance->next;
		instance_free(instance);
	}
}

static struct instance *find_instance(
	struct supervisor *supervisor, const struct formation_action *action)
{
	for (struct instance *i = supervisor->instances; i; i = i->next)
		if (i->type == action->type && i->number == action->number)
			return i;
	return NULL;
}

static unsigned free_slot(const struct supervisor *supervisor)
{
	bool taken[NETWORK_SLOTS] = { false };
	unsigned slot = 0;

	for (const struct instance *i = supervisor->instances; i; i = i->next)
		taken[i->slot] = true;
	while (taken[slot])
		slot++; /* there is one: FORMATION_MAX is less */
	return slot;
}

static void start(struct supervisor *supervisor, const struct formation_action *action)
{
	struct instance **end = &supervisor->instances;
	struct instance *instance = instance_new(
		&supervisor->host, action->type, action->number, free_slot(supervisor));

	while (*end)
		end = &(*end)->next;
	*end = instance;
	instance_handle(instance, PROCESS_START);
}

static void act(struct supervisor *supervisor, const struct formation_plan *plan)
{
	unsigned starts = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct formation_action *action = &plan->actions[i];

		if (!action->start) {
			instance_handle(find_instance(supervisor, action), PROCESS_STOP);
			continue;
		}
		if (supervisor->stopping)
			return; /* one of the starts before has failed for good */
		if (starts++ == STARTS_A_ROUND) {
			settle_soon(supervisor);
			return;
		}
		start(supervisor, action);
	}
}

static void make_plan(struct supervisor *supervisor, struct formation_plan *ret)
{
	CLEANUP_FREE struct formation_member *members = NULL;
	size_t count = 0;

	for (struct instance *i = supervisor->instances; i; i = i->next) {
		members = memory_resize(members, count + 1, sizeof *members);
		members[count++] = (struct formation_member){ i->type, i->number, i->state };
	}
	formation_plan(&supervisor->wanted, members, count, ret);
}

static void on_flushed(void *context)
{
	loop_stop(((struct supervisor *)context)->loop);
}

static void on_settle(void *context)
{
	struct supervisor *supervisor = context;
	struct formation_plan plan;

	drop_forgotten(supervisor);
	make_plan(supervisor, &plan);
	act(supervisor, &plan);
	formation_plan_done(&plan);
	if (supervisor->stopping && !supervisor->instances)
		stream_finish(supervisor->host.stream, on_flushed, supervisor);
}

/* Setting up, in the order of what fails soonest; and taking down. */

static int open_signals(struct supervisor *supervisor, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);        /* cannot fail */
	(void)sigaddset(&set, SIGTERM); /* nor these */
	(void)sigaddset(&set, SIGINT);
	attach_add_hangup(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* a write tells as well */
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0)
		return error_errno(err, "signalfd");
	return loop_add(supervisor->loop, supervisor->signals, EPOLLIN, on_signal, supervisor, err);
}

static void want_all(struct supervisor *supervisor)
{
	const struct formation *formation = supervisor->config->formation;

	supervisor->wanted.count = formation->count;
	supervisor->wanted.wants = memory_new(formation->count, sizeof *formation->wants);
	memcpy(supervisor->wanted.wants, formation->wants,
		formation->count * sizeof *formation->wants);
}

static int set_up(struct supervisor *supervisor, struct error *err)
{
	const struct supervisor_config *config = supervisor->config;
	struct instance_host *host = &supervisor->host;

	if (loop_new(&supervisor->loop, err) < 0 || open_signals(supervisor, err) < 0)
		return -1;
	host->loop = supervisor->loop;
	host->changed = on_changed;
	host->died = on_died;
	host->failed = on_failed;
	host->gone = on_gone;
	host->broken = on_stream_broken;
	host->context = supervisor;
	if (instance_host_open(host, config, supervisor->signals, err) < 0)
		return -1;
	supervisor->announced =
		memory_new(config->site.release->port_count, sizeof *supervisor->announced);
	want_all(supervisor);
	supervisor->refusals = (struct refusals){ host, &supervisor->instances };
	return refusals_open(&supervisor->refusals, err);
}

static void tear_down(struct supervisor *supervisor)
{
	while (supervisor->instances) {
		struct instance *instance = supervisor->instances;

		supervisor->instances = instance->next;
		instance_free(instance);
	}
	loop_cancel(supervisor->loop, &supervisor->settle);
	loop_cancel(supervisor->loop, &supervisor->publish);
	refusals_done(&supervisor->refusals);
	instance_host_close(&supervisor->host);
	cleanup_close(&supervisor->signals);
	loop_free(supervisor->loop);
	formation_done(&supervisor->wanted);
	free(supervisor->announced);
}

int supervisor_run(const struct supervisor_config *config, struct error *err)
{
	struct supervisor supervisor = { .config = config, .signals = -1, .err = err };
	CLEANUP_CLOSE int lock = site_lock(&config->site, err);
	int status;

	supervisor.host = INSTANCE_HOST_NONE;
	if (lock < 0)
		return -1;
	status = set_up(&supervisor, err);
	if (status == 0) {
		settle_soon(&supervisor);
		status = loop_run(supervisor.loop, err);
	}
	tear_down(&supervisor);
	return status < 0 || supervisor.failed ? -1 : 0;
}
