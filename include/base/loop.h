/* One epoll loop with callbacks on descriptors and on times. No threads: everything that waits in
 * isorun waits here. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/error.h"

#include <stdint.h>

struct loop;
struct loop_timer;

/* Called with the EPOLL* bits that are ready. It may add and remove sources, its own included. */
typedef void loop_on_fd(void *context, int fd, uint32_t events);
typedef void loop_on_time(void *context);

int loop_new(struct loop **ret, struct error *err);
void loop_free(struct loop *loop);

/* Watches fd for the EPOLL* bits events, level-triggered; fd and context stay the caller's. */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_on_fd *call, void *context,
	struct error *err);

/* Changes the bits of a watched fd. */
int loop_change(struct loop *loop, int fd, uint32_t events, struct error *err);

/* Stops watching; call it before the descriptor is closed. Events already fetched are not
 * delivered any more. Not watched is fine. */
void loop_remove(struct loop *loop, int fd);

/* Calls once, delay milliseconds from now. The timer is the caller's until it fired or was freed
 * by loop_cancel; *slot is set to it and reset to NULL when it fires. An armed *slot is re-armed.
 */
void loop_after(struct loop *loop, uint64_t delay, loop_on_time *call, void *context,
	struct loop_timer **slot);

/* Disarms and frees; *slot becomes NULL. NULL is fine. */
void loop_cancel(struct loop *loop, struct loop_timer **slot);

/* Runs until loop_stop; returns -1 only when epoll itself fails. */
int loop_run(struct loop *loop, struct error *err);

/* Makes loop_run return after the current callback. */
void loop_stop(struct loop *loop);

#endif
