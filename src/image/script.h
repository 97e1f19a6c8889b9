/* Finding literal commands in the text of a shell script, without running any of it. */
#ifndef IMAGE_SCRIPT_H
#define IMAGE_SCRIPT_H

#include "base/strv.h"

#include <stdbool.h>

/* The next command in *script whose first word is name (a path's last component will do): its
 * words, up to the end of the command, quotes taken off, lines joined at backslashes. Moves *script
 * behind it; false where there is none. Comments are skipped. */
bool script_next(const char **script, const char *name, struct strv *ret);

#endif
