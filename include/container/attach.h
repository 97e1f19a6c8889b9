/* A container in the foreground of whoever started isorun: signals go to it, and with a terminal
 * every byte and every change of size, until it has ended. */
#ifndef CONTAINER_ATTACH_H
#define CONTAINER_ATTACH_H

#include "base/error.h"
#include "container/container.h"

#include <signal.h>
#include <stdbool.h>

struct attach {
	int signals; /* signalfd */
};

/* Adds SIGHUP unless whoever started isorun has it ignored, as nohup(1) does: one that is blocked
 * would reach a signalfd nevertheless. */
void attach_add_hangup(sigset_t *set);

/* Blocks and collects signals from now on, so that none is lost while the container starts. */
int attach_begin(struct attach *ret, struct error *err);

/* Attends the container until all of it is dead and, with a terminal, all it wrote was written to
 * standard output. A terminal on standard input is in raw mode meanwhile. */
int attach_run(struct attach *attach, const struct container *container, struct error *err);

void attach_end(struct attach *attach);

/* The size of the terminal on standard input or output; false where neither is one. */
bool attach_size(unsigned short *ret_columns, unsigned short *ret_rows);

#endif
