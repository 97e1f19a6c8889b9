/* One process of a running formation: carries out what the table in process.c says. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "base/loop.h"
#include "container/container.h"
#include "model/release.h"
#include "network/gates.h"
#include "network/network.h"
#include "supervisor/probe.h"
#include "supervisor/process.h"
#include "supervisor/refused.h"
#include "supervisor/site.h"
#include "supervisor/stream.h"

#include <stdbool.h>
#include <sys/resource.h>

struct instance;

/* What all instances of a run have in common, and what they tell the supervisor. */
struct instance_host {
	struct loop *loop;
	struct stream *stream;
	const struct site_config *config;
	struct site site;
	struct network *network;
	struct gates *gates; /* NULL: no service is attached */
	int null;            /* /dev/null: every instance's standard input */
	int pipe_size;       /* of the log pipes; 0: as the kernel makes them */
	struct rlimit files; /* RLIMIT_NOFILE as isorun was given it: the instances' own */
	unsigned unenforced; /* CGROUP_* that the log has been told of already */
	bool *answered;      /* by process type: whether one of it was ever ready in this run */

	/* The set of published instances has changed; now: before this returns, else soon. */
	void (*changed)(void *context, bool now);
	/* It is dead: the last chance to read what it was refused. */
	void (*died)(void *context);
	/* It failed for good; err says why. */
	void (*failed)(void *context, const struct error *err);
	/* The log stream cannot be written to any more. */
	void (*broken)(void *context);
	/* Nothing of it is left; it may be freed from the loop, not from here. */
	void (*gone)(void *context);
	void *context;
};

struct instance {
	struct instance_host *host;
	struct instance *next;
	const struct process_type *type;
	unsigned number;
	unsigned slot; /* its place in the router, and its colour */
	char *name;    /* "web.1" */
	enum process_state state;
	bool published;
	bool forgotten; /* nothing of it is left */
	unsigned failures;
	uint64_t launched; /* clock_now of the last launch */
	struct error failure;
	struct container container;
	struct container_end end;
	struct refused refused;
	struct stream_source *source;
	struct probe *probe;
	struct loop_timer *timer; /* the hint while booting, the backoff, the grace period */
};

struct instance *instance_new(struct instance_host *host, const struct process_type *type,
	unsigned number, unsigned slot);

/* Feeds an event to the table and does what it says. */
void instance_handle(struct instance *instance, enum process_event event);

/* Kills what still runs and frees. */
void instance_free(struct instance *instance);

#endif
