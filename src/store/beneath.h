/* Reaching into a tree whose content is a stranger's. */
#ifndef STORE_BENEATH_H
#define STORE_BENEATH_H

#include <stdint.h>

/* openat2(2) of a path below top through no link, no mount and not upwards; CLOEXEC, NOFOLLOW. */
int beneath_open(int top, const char *path, uint64_t flags);

#endif
