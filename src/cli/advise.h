/* What a person who starts a codebase should know of the release that came of it. */
#ifndef CLI_ADVISE_H
#define CLI_ADVISE_H

#include "model/release.h"

/* To stderr, a line each. */
void advise_of_release(const struct release *release);

#endif
