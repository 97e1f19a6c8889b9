/* The life of one process of a formation as a table of states × events: pure, so that every way a
 * process can live and die is a test that needs no process. */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum process_state {
	PROCESS_STOPPED,  /* nothing runs, nothing is to run */
	PROCESS_STARTING, /* being launched */
	PROCESS_BOOTING,  /* runs, does not answer yet */
	PROCESS_READY,    /* runs and answers (or has nothing to answer on) */
	PROCESS_BACKOFF,  /* died; will be launched again when its time has come */
	PROCESS_STOPPING, /* has its stop signal and its grace period */
	PROCESS_KILLING,  /* its cgroup is killed; will not come back */
	PROCESS_CRASHING, /* its cgroup is killed because it did not boot; will come back */
	PROCESS_FAILING,  /* the same, and will not come back */
	PROCESS_FAILED,   /* for good: the formation ends with its status */
	PROCESS_STATES
};

enum process_event {
	PROCESS_START,        /* the formation wants it */
	PROCESS_LAUNCHED,     /* execve has succeeded */
	PROCESS_NOT_LAUNCHED, /* it could not be launched; later it may */
	PROCESS_UNLAUNCHABLE, /* it could not be launched and never will be */
	PROCESS_ANSWERED,     /* the readiness probe succeeded */
	PROCESS_BOOT_TIMEOUT, /* it did not, though this type has answered before */
	PROCESS_BOOT_FAILURE, /* it did not, and this type never has */
	PROCESS_EXITED,       /* every process is dead and the last log line is read */
	PROCESS_RETRY,        /* the backoff is over */
	PROCESS_STOP,         /* stop gracefully */
	PROCESS_GRACE_OVER,   /* the stop timeout has passed */
	PROCESS_KILL,         /* stop at once */
	PROCESS_EVENTS
};

/* What the supervisor has to do on a transition, in the order of the bits. */
enum process_action {
	PROCESS_DO_RETIRE = 1,   /* take it out of the published set, before anything else */
	PROCESS_DO_SIGNAL = 2,   /* send the stop signal, start the grace period */
	PROCESS_DO_KILL = 4,     /* kill the cgroup */
	PROCESS_DO_LAUNCH = 8,   /* launch it; the outcome is an event */
	PROCESS_DO_PROBE = 16,   /* begin to probe for readiness */
	PROCESS_DO_PUBLISH = 32, /* put it into the published set */
	PROCESS_DO_BACKOFF = 64, /* wait for process_backoff, then PROCESS_RETRY */
	PROCESS_DO_FAIL = 128,   /* end the formation with its status */
	PROCESS_DO_FORGET = 256, /* nothing of it is left */
};

struct process_step {
	enum process_state next;
	unsigned actions;
	bool valid; /* false: this event cannot happen in this state */
};

/* The table's entry. An event that can come late (a timer, an answer) is valid everywhere it can
 * and changes nothing. */
struct process_step process_step(enum process_state state, enum process_event event);

/* Milliseconds to wait before a launch after failures (1 or more) in a row: 1 s, 2 s, 4 s … 60 s.
 */
uint64_t process_backoff(unsigned failures);

/* The failures in a row after one more, given how long it lived: a minute forgives the past. */
unsigned process_failures(unsigned before, uint64_t lived);

#endif
