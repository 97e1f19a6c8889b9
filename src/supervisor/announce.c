/* The words of the events. Programs that read the log look for the first one of each. */
#include "announce.h"

#include "base/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { TEXT = 64 };

void announce_unenforced(struct instance *instance)
{
	unsigned missing = instance->container.cgroup.missing & ~instance->host->unenforced;
	char names[40];

	if (missing == 0)
		return;
	instance->host->unenforced |= missing;
	stream_event(instance->host->stream, instance->name,
		"not limited: this host's cgroups cannot enforce %s", cgroup_names(missing, names));
}

void announce_ready(const struct instance *instance)
{
	stream_event(instance->host->stream, instance->name, "ready after %" PRIu64 " ms",
		clock_now() - instance->launched);
}

/* "60 s", "500 ms". */
static const char *print_duration(uint64_t milliseconds, char text[TEXT])
{
	bool whole = milliseconds % 1000 == 0;

	(void)snprintf(text, TEXT, "%" PRIu64 " %s", whole ? milliseconds / 1000 : milliseconds,
		whole ? "s" : "ms"); /* fits */
	return text;
}

void announce_boot_timeout(struct instance *instance, const char *why)
{
	char duration[TEXT];

	print_duration(instance->type->ready_timeout, duration);
	error_set(&instance->failure, ERROR_FAILED, "%s is not ready after %s: %s", instance->name,
		duration, why);
	stream_event(
		instance->host->stream, instance->name, "not ready after %s: %s", duration, why);
}

void announce_grace_over(const struct instance *instance)
{
	char duration[TEXT];

	stream_event(instance->host->stream, instance->name, "still there after %s: killed",
		print_duration(instance->type->stop_timeout, duration));
}

void announce_refused(struct instance *instance, uint64_t now)
{
	const enum egress egress = instance->host->config->release->egress;
	char text[REFUSED_TEXT];

	while (refused_take_rest(&instance->refused, egress, now, text))
		stream_event(instance->host->stream, instance->name, "%s", text);
}

/* "with status 3", "on SIGSEGV". */
static const char *print_status(int status, char text[TEXT])
{
	const char *name;

	if (WIFEXITED(status)) {
		(void)snprintf(text, TEXT, "with status %d", WEXITSTATUS(status)); /* fits */
		return text;
	}
	name = sigabbrev_np(WTERMSIG(status));
	if (name)
		(void)snprintf(text, TEXT, "on SIG%s", name); /* fits */
	else
		(void)snprintf(text, TEXT, "on signal %d", WTERMSIG(status)); /* fits */
	return text;
}

void announce_end(const struct instance *instance)
{
	bool asked = instance->state == PROCESS_STOPPING || instance->state == PROCESS_KILLING;
	char text[TEXT];

	print_status(instance->end.status, text);
	if (instance->end.oom)
		stream_event(instance->host->stream, instance->name,
			"oom: killed for want of memory, its limit is %" PRIu64 " MiB",
			instance->type->limits.memory >> 20);
	stream_event(instance->host->stream, instance->name, "%s %s", asked ? "stopped" : "exited",
		text);
}
