/* Private to cli: what doctor found, as values, and how they are shown. */
#ifndef CLI_CHECKLIST_H
#define CLI_CHECKLIST_H

#include "base/buf.h"
#include "base/error.h"
#include "kernel/trial.h"

#include <stdbool.h>
#include <stddef.h>

enum { CHECKLIST_MAX = 40 };

enum check_state { CHECK_OK, CHECK_LIMITED, CHECK_MISSING, CHECK_UNTRIED };

struct check {
	const char *name;    /* one word, part of the JSON's schema */
	const char *purpose; /* what it is for */
	bool needed;         /* no run without it */
	enum check_state state;
	char found[344]; /* what is there, or what is wrong */
	char hint[160];  /* "" or the command that mends it */
};

struct checklist {
	struct check checks[CHECKLIST_MAX];
	size_t count;
};

/* Judges a trial and appends it; name, purpose and needed are those of check. found is used where
 * it went well, err where not. */
void checklist_add(struct checklist *list, const struct check *check, enum trial_result result,
	const char *found, const struct error *err);

/* Appends one that was not tried, for want of another. */
void checklist_skip(struct checklist *list, const struct check *check, const char *why);

/* Whether every needed thing is there: else -1 with ERROR_UNSUPPORTED, which names those that are
 * missing and has the first one's hint. */
int checklist_judge(const struct checklist *list, struct error *err);

/* A table for people, hints below what they mend. */
void checklist_print(const struct checklist *list, bool color, struct buf *ret);

/* The document that docs/doctor.md describes. */
void checklist_print_json(const struct checklist *list, bool is_root, struct buf *ret);

#endif
