/* The closure proof: what is in the root suffices to run what is in the root. */
#ifndef IMAGE_CLOSURE_H
#define IMAGE_CLOSURE_H

#include "base/error.h"
#include "model/manifest.h"
#include "root.h"

/* Proves that every ELF file finds its interpreter and libraries, every executable script of the
 * app its interpreter, every symlink that matters its target, and every process its command. The
 * error names who needs what. */
int closure_prove(const struct root *root, const struct manifest *manifest, struct error *err);

#endif
