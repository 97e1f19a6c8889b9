/* Where the dynamic loader looks for libraries: ld.so(8), "default directories", and ldconfig(8).
 */
#ifndef IMAGE_LIBPATH_H
#define IMAGE_LIBPATH_H

#include "base/error.h"
#include "base/strv.h"
#include "root.h"

#if defined(__x86_64__)
#define LIBPATH_TRIPLET "x86_64-linux-gnu"
#define LIBPATH_DEBIAN  "amd64" /* what Debian calls it, and OCI */
#elif defined(__aarch64__)
#define LIBPATH_TRIPLET "aarch64-linux-gnu"
#define LIBPATH_DEBIAN  "arm64" /* what Debian calls it, and OCI */
#elif defined(__riscv)
#define LIBPATH_TRIPLET "riscv64-linux-gnu"
#define LIBPATH_DEBIAN  "riscv64" /* what Debian calls it, and OCI */
#else
#error "the Debian triplet of this architecture is not known"
#endif

/* Appends the directories that a loader searches without being told: glibc's and musl's. */
void libpath_add_default(struct strv *ret);

/* Appends the directories that /etc/ld.so.conf and the files it includes name, in its order. */
int libpath_add_configured(const struct root *root, struct strv *ret, struct error *err);

/* Appends the directories of a DT_RUNPATH, DT_RPATH or LD_LIBRARY_PATH of the file in directory
 * origin, tokens expanded. */
void libpath_add_expanded(const char *text, const char *origin, struct strv *ret);

#endif
