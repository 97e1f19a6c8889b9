/* What is to run against what runs: pure functions that say what to start and what to stop. */
#ifndef SUPERVISOR_FORMATION_H
#define SUPERVISOR_FORMATION_H

#include "base/error.h"
#include "base/strv.h"
#include "model/release.h"
#include "supervisor/process.h"

#include <stddef.h>

enum { FORMATION_MAX = 1000 }; /* instances in all: each has a place in the router */

struct formation_want {
	const struct process_type *type;
	unsigned quantity;
};

/* Wanted instances by process type, in the release's order. */
struct formation {
	struct formation_want *wants;
	size_t count;
};

/* An instance that exists. */
struct formation_member {
	const struct process_type *type;
	unsigned number; /* web.NUMBER, from 1 */
	enum process_state state;
};

struct formation_action {
	bool start; /* else stop */
	const struct process_type *type;
	unsigned number;
};

struct formation_plan {
	struct formation_action *actions;
	size_t count;
};

/* The release's own formation, or with words ("web", "worker=2") only what they name. A type that
 * the release does not have is ERROR_NO_SUCH, nothing to run ERROR_CONFIG. Borrows release. */
int formation_choose(const struct release *release, const struct strv *words, struct formation *ret,
	struct error *err);

/* Instances of all types together. */
unsigned formation_total(const struct formation *formation);

/* What leads from what runs to what is wanted: numbers count from 1, the highest are stopped first;
 * one that is still on its way out is waited for before its number is started again. */
void formation_plan(const struct formation *wanted, const struct formation_member *members,
	size_t count, struct formation_plan *ret);

void formation_plan_done(struct formation_plan *plan);
void formation_done(struct formation *formation);

#endif
