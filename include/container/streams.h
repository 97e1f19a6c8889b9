/* The caller's standard streams, as a process may have them. One whose user is the caller's own
 * could open a file that it holds again for writing, or change its mode; and a terminal is open for
 * both, so that whoever was given it to write to can read what is typed. So of files and terminals
 * it gets one end of a pipe, and a process of isorun's copies between that and the real thing.
 * Pipes, sockets and /dev/null are passed on as they are, and so are files where the process has
 * ids of its own.
 *
 * Output and error that are one file are one pipe, so that their order is kept. A copied input is
 * read ahead of the process, by what fits into the pipe: what it does not read is lost. */
#ifndef CONTAINER_STREAMS_H
#define CONTAINER_STREAMS_H

#include "base/error.h"
#include "model/spec.h"

#include <stdbool.h>

struct streams {
	int fds[3];    /* for the process; -1: not asked for */
	bool piped[3]; /* fds[i] is a pipe's end, and this process's to close */
	int copiers[3];
};

#define STREAMS_NONE ((struct streams){ .fds = { -1, -1, -1 }, .copiers = { -1, -1, -1 } })

/* Takes the caller's descriptors given (-1: none) for a process that is uid and gid inside, who
 * can then open its ends by name, as /dev/stdout. *ret must be STREAMS_NONE; streams_done in any
 * case. */
int streams_open(const int given[3], const struct spec_ids *ids, uint32_t uid, uint32_t gid,
	struct streams *ret, struct error *err);

/* The process has its ends: this one's are closed. */
void streams_started(struct streams *streams);

/* The process is dead: waits until all that it wrote is where it belongs, and ends the copying. An
 * error says what could not be written; the copying has ended nevertheless. */
int streams_done(struct streams *streams, struct error *err);

#endif
