/* Private to kernel: subuid(5). */
#ifndef KERNEL_SUBID_H
#define KERNEL_SUBID_H

#include <stdint.h>
#include <sys/types.h>

/* How many ids the lines "NAME-OR-UID:FIRST:COUNT" give a user, whose name may be NULL. Lines that
 * are odd give none. */
uint64_t subid_count(const char *text, const char *name, uid_t uid);

#endif
