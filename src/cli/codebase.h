/* A codebase as it stands in a directory, before anything is built of it. */
#ifndef CLI_CODEBASE_H
#define CLI_CODEBASE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "model/init.h"

/* Reads a file of dir whole, appended to ret: 1, or 0 where it is not there. */
int codebase_read(int dir, const char *name, struct buf *ret, struct error *err);

/* The manifest that isorun init writes for the codebase at path, open as dir, appended to ret, and
 * to ret_notes what has no counterpart in it. procfile stands for the one of the codebase, unless
 * it is NULL. */
int codebase_init(int dir, const char *path, const struct init_file *procfile, struct buf *ret,
	struct strv *ret_notes, struct error *err);

/* The text of an isorun.json without its processes, so that a Procfile's count. */
int codebase_drop_processes(const struct buf *text, struct buf *ret, struct error *err);

#endif
