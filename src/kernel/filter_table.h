/* The default filter as values: every system call that isorun knows, in groups that share an action
 * and a reason, and the calls whose arguments decide. docs/seccomp.md is printed from it. */
#ifndef KERNEL_FILTER_TABLE_H
#define KERNEL_FILTER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised whenever the table or the way it is compiled changes: cached filters depend on it. */
enum { FILTER_TABLE_VERSION = 2 };

enum filter_action {
	FILTER_ALLOW,   /* the kernel decides */
	FILTER_CHECK,   /* an argument decides: filter_checks */
	FILTER_DENY,    /* EPERM */
	FILTER_PRETEND, /* ENOSYS: callers then take the older way, which can be checked */
};

struct filter_group {
	const char *name;
	enum filter_action action;
	bool on_request; /* a release may have it let through */
	const char *reason;
	const char *calls; /* NAME or NAME=NUMBER with spaces between; a number where libseccomp
			      2.5 may not know the name, the same on every architecture */
};

/* One argument of one call, of which only the bits in field are looked at: so nothing can be hidden
 * in the upper half of a register that the kernel reads as an int. */
struct filter_check {
	const char *call;
	bool conditional; /* applies only where argument when_argument's when_field is when */
	unsigned when_argument;
	uint32_t when_field, when;
	unsigned argument;
	uint32_t field;
	uint32_t known; /* bits of field beyond these mean nothing to any kernel: ENOSYS, which
			   saves instructions; loading the filter costs as many as there are */
	enum filter_verdict {
		FILTER_ONLY,    /* the values listed pass, all others are EPERM */
		FILTER_NOT,     /* the values listed are EPERM, all others pass */
		FILTER_REFINED, /* conditional checks decide on the values listed, others: EPERM */
	} verdict;
	uint32_t values[5];
	size_t value_count;
	const char *reason;
};

extern const struct filter_group filter_groups[];
extern const size_t filter_group_count;
extern const struct filter_check filter_checks[];
extern const size_t filter_check_count;

struct filter_call {
	char name[32];
	int number; /* -1: libseccomp knows it */
};

/* Reads the next call of a group's list and moves *at behind it; false at the end. */
bool filter_next_call(const char **at, struct filter_call *ret);

#endif
