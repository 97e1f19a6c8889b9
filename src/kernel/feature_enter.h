/* Private to kernel's features: where an ordinary user has rights. */
#ifndef KERNEL_FEATURE_ENTER_H
#define KERNEL_FEATURE_ENTER_H

#include "base/error.h"

/* Moves this process into user, mount and network namespaces of its own; a refusal is explained. */
int feature_enter(struct error *err);

#endif
