/* Private to src/sandbox: what a program needs besides itself. */
#ifndef SANDBOX_PROGRAM_H
#define SANDBOX_PROGRAM_H

#include "base/error.h"

/* Whether the interpreter (of a script) or the dynamic loader (of an ELF program) that the file
 * names is in the root, and the program is for this machine, through any scripts before it; an
 * error says what is missing. */
int program_check(int root, const char *path, struct error *err);

#endif
