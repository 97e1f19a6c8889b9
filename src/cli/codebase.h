/* A codebase as it stands in a directory, before anything is built of it. */
#ifndef CLI_CODEBASE_H
#define CLI_CODEBASE_H

#include "base/buf.h"
#include "base/error.h"

/* Reads a file of dir whole, appended to ret: 1, or 0 where it is not there. */
int codebase_read(int dir, const char *name, struct buf *ret, struct error *err);

/* The manifest that isorun init writes for the codebase at path, open as dir, appended to ret; what
 * has no counterpart in it is warned of. procfile (may be NULL) is another name for Procfile. */
int codebase_init(
	int dir, const char *path, const char *procfile, struct buf *ret, struct error *err);

#endif
