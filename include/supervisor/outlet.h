/* A descriptor that is written to without ever waiting in write(2): what the reader does not take
 * yet is kept, and the owner is told when there is room again. */
#ifndef SUPERVISOR_OUTLET_H
#define SUPERVISOR_OUTLET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/loop.h"

#include <stdbool.h>

/* Called from the loop when what is kept has fallen below a quarter of full, when it is empty, and
 * when writing has become impossible. */
typedef void outlet_on_change(void *context);

struct outlet;

/* fd stays the caller's, its flags untouched; a pipe or a terminal is opened a second time, so that
 * whoever else holds it does not find it non-blocking. */
struct outlet *outlet_new(struct loop *loop, int fd, outlet_on_change *call, void *context);

/* Where to append what is to be written; call outlet_touch after having done so. */
struct buf *outlet_buf(struct outlet *outlet);

/* Has it written soon: when the current round of the loop ends, or now if it is much. */
void outlet_touch(struct outlet *outlet);

/* Whether so much is kept that nothing more should be read. */
bool outlet_is_full(const struct outlet *outlet);

/* Whether everything has been taken. */
bool outlet_is_empty(const struct outlet *outlet);

/* Whether writing has become impossible; what is appended from then on is thrown away. err (may be
 * NULL) says why. */
bool outlet_is_broken(const struct outlet *outlet, struct error *err);

void outlet_free(struct outlet *outlet);

#endif
