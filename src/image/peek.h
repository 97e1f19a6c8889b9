/* A glance into a plain tar on disk: which image does it hold? */
#ifndef IMAGE_PEEK_H
#define IMAGE_PEEK_H

#include "base/digest.h"

#include <stdbool.h>

/* Whether fd is a plain tar with ordinary ustar headers whose index.json names one image: *ret is
 * its manifest then. False decides nothing: read the archive properly. The offset stays. */
bool peek_manifest(int fd, struct digest *ret);

#endif
