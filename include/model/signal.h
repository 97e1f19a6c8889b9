/* Signals by name: "SIGTERM", "TERM", "15", "SIGRTMIN+3". */
#ifndef MODEL_SIGNAL_H
#define MODEL_SIGNAL_H

#include "base/error.h"

enum { SIGNAL_TEXT = 16 }; /* room for signal_print's text and its NUL */

/* Reads a signal's name or number; ERROR_CONFIG where there is none. */
int signal_parse(const char *text, int *ret, struct error *err);

/* "SIGTERM", "SIGRTMIN+3", which signal_parse reads back. signo must be one that exists. */
void signal_print(int signo, char text[SIGNAL_TEXT]);

#endif
