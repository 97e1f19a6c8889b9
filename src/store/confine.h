/* Confinement of the child that parses archives. */
#ifndef STORE_CONFINE_H
#define STORE_CONFINE_H

/* Leaves the calling process able to read, write and seek in what it has open, to manage its
 * memory and to exit; nothing else, no capabilities. 0, or -1 with errno. */
int confine_reader(void);

#endif
