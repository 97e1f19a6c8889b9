/* What isorun says of an instance in the log stream. */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include "instance.h"

/* Names limits that this host cannot enforce, each once a run. */
void announce_unenforced(struct instance *instance);

void announce_ready(const struct instance *instance);

/* Not ready in time: in the log, and in instance->failure in case that is final. */
void announce_boot_timeout(struct instance *instance, const char *why);

void announce_grace_over(const struct instance *instance);

/* What it was refused and was not told for a minute; with UINT64_MAX, at all. */
void announce_refused(struct instance *instance, uint64_t now);

/* How it ended: exited, oom or stopped. */
void announce_end(const struct instance *instance);

#endif
