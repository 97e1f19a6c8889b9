/* Trying out what a host offers, by doing it in a child: whatever the attempt changes (namespaces,
 * mounts, filters, cgroups) ends with the child. */
#ifndef KERNEL_TRIAL_H
#define KERNEL_TRIAL_H

#include "base/error.h"

enum { TRIAL_TEXT = 160 };

/* How a trial went: it worked; it worked in part, and err says what does not; it did not. */
enum trial_result { TRIAL_DONE = 0, TRIAL_IN_PART = 1, TRIAL_FAILED = -1 };

/* What is tried. It may put into found, which begins as "", what it saw. */
typedef enum trial_result trial_act(const void *context, char found[TRIAL_TEXT], struct error *err);

/* Calls act in a child and returns what it returned; found and err come back from it. A child that
 * dies or takes longer than fifteen seconds has failed. */
enum trial_result trial_run(
	trial_act *act, const void *context, char found[TRIAL_TEXT], struct error *err);

#endif
