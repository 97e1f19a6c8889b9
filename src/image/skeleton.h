/* The root that everything else is laid on: merged-usr directories, accounts, name service. */
#ifndef IMAGE_SKELETON_H
#define IMAGE_SKELETON_H

#include "base/error.h"

enum { SKELETON_VERSION = 1, SKELETON_ID = 1000 }; /* part of every cached layer's key; app's id */

/* Before packages: directories and the symlinks of a merged-usr root, which decide where packages'
 * files land. */
int skeleton_make_dirs(int root, struct error *err);

/* After packages: the files of /etc that are still missing. */
int skeleton_make_files(int root, struct error *err);

#endif
