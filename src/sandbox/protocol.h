/* What parent and child say to each other: one record a message on a SOCK_SEQPACKET pair. */
#ifndef SANDBOX_PROTOCOL_H
#define SANDBOX_PROTOCOL_H

#include "base/error.h"

#include <stdint.h>

/* In order. Each is entered once; a record says which one is entered, or failed in. */
enum launch_stage {
	LAUNCH_CREATED, /* the child has been cloned and waits */
	LAUNCH_SETUP,   /* parent: maps are written, set yourself up */
	LAUNCH_READY,   /* child: set up and confined (with the terminal's master) */
	LAUNCH_START,   /* parent: execute */
	LAUNCH_EXEC,    /* child: the filter and execve come next; end of file: they succeeded */
};

struct launch_record {
	uint32_t stage;
	uint32_t failed; /* whether error says why the child gave up in stage */
	struct error error;
};

/* "during its set-up" and so on: when the process died. */
const char *launch_stage_name(enum launch_stage stage);

/* Sends, with descriptor fd attached unless it is -1. */
int launch_send(int sync, const struct launch_record *record, int fd, struct error *err);

/* Receives: 1, or 0 at the end of file. *ret_fd is the CLOEXEC descriptor that came along or -1. */
int launch_receive(int sync, struct launch_record *ret, int *ret_fd, struct error *err);

#endif
