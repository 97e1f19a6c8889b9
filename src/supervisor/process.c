/* The table of one process's life. Read a row as: in this state, this happens, so do these and be
 * in that state.
 *
 * Deliberately absent: anything that does. The supervisor carries the actions out; what comes of
 * them comes back as an event. A late event (the timer of a state that was left, an answer to a
 * probe of a dying process) is IGNORED; what is not in the table cannot happen. */
#include "supervisor/process.h"

#include <assert.h>

enum { BACKOFF_FIRST = 1000, BACKOFF_MAX = 60000, STABLE = 60000 };

#define TO(state, actions)                     \
	{                                      \
		PROCESS_##state, actions, true \
	}
#define IGNORED(state)                   \
	{                                \
		PROCESS_##state, 0, true \
	}

#define RETIRE  PROCESS_DO_RETIRE
#define SIGNAL  PROCESS_DO_SIGNAL
#define KILL    PROCESS_DO_KILL
#define LAUNCH  PROCESS_DO_LAUNCH
#define PROBE   PROCESS_DO_PROBE
#define PUBLISH PROCESS_DO_PUBLISH
#define BACKOFF PROCESS_DO_BACKOFF
#define FAIL    PROCESS_DO_FAIL
#define FORGET  PROCESS_DO_FORGET

/* clang-format off */
static const struct process_step table[PROCESS_STATES][PROCESS_EVENTS] = {
	[PROCESS_STOPPED] = {
		[PROCESS_START]        = TO(STARTING, LAUNCH),
		[PROCESS_STOP]         = IGNORED(STOPPED),
		[PROCESS_KILL]         = IGNORED(STOPPED),
	},
	[PROCESS_STARTING] = {
		[PROCESS_LAUNCHED]     = TO(BOOTING, PROBE),
		[PROCESS_NOT_LAUNCHED] = TO(BACKOFF, BACKOFF),
		[PROCESS_UNLAUNCHABLE] = TO(FAILED, FAIL | FORGET),
	},
	[PROCESS_BOOTING] = {
		[PROCESS_ANSWERED]     = TO(READY, PUBLISH),
		[PROCESS_BOOT_TIMEOUT] = TO(CRASHING, KILL),
		[PROCESS_BOOT_FAILURE] = TO(FAILING, KILL),
		[PROCESS_EXITED]       = TO(BACKOFF, BACKOFF),
		[PROCESS_STOP]         = TO(STOPPING, SIGNAL),
		[PROCESS_KILL]         = TO(KILLING, KILL),
	},
	[PROCESS_READY] = {
		[PROCESS_EXITED]       = TO(BACKOFF, RETIRE | BACKOFF),
		[PROCESS_STOP]         = TO(STOPPING, RETIRE | SIGNAL),
		[PROCESS_KILL]         = TO(KILLING, RETIRE | KILL),
	},
	[PROCESS_BACKOFF] = {
		[PROCESS_RETRY]        = TO(STARTING, LAUNCH),
		[PROCESS_STOP]         = TO(STOPPED, FORGET),
		[PROCESS_KILL]         = TO(STOPPED, FORGET),
	},
	[PROCESS_STOPPING] = {
		[PROCESS_EXITED]       = TO(STOPPED, FORGET),
		[PROCESS_STOP]         = IGNORED(STOPPING),
		[PROCESS_GRACE_OVER]   = TO(KILLING, KILL),
		[PROCESS_KILL]         = TO(KILLING, KILL),
	},
	[PROCESS_KILLING] = {
		[PROCESS_EXITED]       = TO(STOPPED, FORGET),
		[PROCESS_STOP]         = IGNORED(KILLING),
		[PROCESS_KILL]         = IGNORED(KILLING),
	},
	[PROCESS_CRASHING] = {
		[PROCESS_EXITED]       = TO(BACKOFF, BACKOFF),
		[PROCESS_STOP]         = TO(KILLING, 0),
		[PROCESS_KILL]         = TO(KILLING, 0),
	},
	[PROCESS_FAILING] = {
		[PROCESS_EXITED]       = TO(FAILED, FAIL | FORGET),
		[PROCESS_STOP]         = IGNORED(FAILING),
		[PROCESS_KILL]         = IGNORED(FAILING),
	},
	[PROCESS_FAILED] = {
		[PROCESS_STOP]         = IGNORED(FAILED),
		[PROCESS_KILL]         = IGNORED(FAILED),
	},
};
/* clang-format on */

struct process_step process_step(enum process_state state, enum process_event event)
{
	assert(state < PROCESS_STATES && event < PROCESS_EVENTS);
	return table[state][event];
}

uint64_t process_backoff(unsigned failures)
{
	uint64_t delay = BACKOFF_FIRST;

	while (failures-- > 1 && delay < BACKOFF_MAX)
		delay *= 2;
	return delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
}

unsigned process_failures(unsigned before, uint64_t lived)
{
	return lived >= STABLE ? 1 : before + 1;
}
