/* Other people's programs, run by build only: git, apt, dpkg-deb. No shell is ever involved. */
#ifndef IMAGE_TOOL_H
#define IMAGE_TOOL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <sys/types.h>

struct tool {
	const struct strv *argv; /* argv[0] is looked up in the PATH of env */
	const struct strv *env;  /* complete */
	int dir;                 /* working directory; -1: isorun's own */
	int in;                  /* standard input; -1: /dev/null */
	const char *bind_from;   /* a directory to be seen at bind_to by the tool alone; or NULL */
	const char *bind_to;
};

enum { TOOL_NO_NAMESPACE = 126, TOOL_NOT_THERE = 127 }; /* errnum of tool_finish's error */

/* A running tool: read its output from out until the end, then tool_finish. */
struct tool_process {
	pid_t pid;
	int out;
	int messages; /* what it wrote to standard error */
	const char *name;
};

/* The environment of every tool: PATH, HOME and the network's proxies and certificates as isorun
 * itself was given them, and the C locale; nothing else. */
void tool_env(struct strv *ret);

/* Starts the tool. A program that is not there is told by tool_finish. */
int tool_start(const struct tool *tool, struct tool_process *ret, struct error *err);

/* Closes out, waits, and turns any status but 0 into an error with the tool's own last complaint.
 * err->errnum is the exit status (or one of the two above). */
int tool_finish(struct tool_process *process, struct error *err);

/* Reads standard output into ret (appended; at most 256 MiB), then tool_finish. */
int tool_read(struct tool_process *process, struct buf *ret, struct error *err);

/* Start, read standard output into ret (appended; at most 256 MiB; NULL drops it), finish. */
int tool_run(const struct tool *tool, struct buf *ret, struct error *err);

#endif
