/* What isorun says of an instance in the log stream. */
#ifndef REPORT_H
#define REPORT_H

#include "instance.h"

/* Names limits that this host cannot enforce, each once a run. */
void report_unenforced(struct instance *instance);

void report_ready(const struct instance *instance);

/* Not ready in time: in the log, and in instance->failure in case that is final. */
void report_boot_timeout(struct instance *instance, const char *why);

void report_grace_over(const struct instance *instance);

/* How it ended: exited, oom or stopped. */
void report_end(const struct instance *instance);

#endif
