/* hello, the demo app: a small web server and a handful of one-off commands, each a function that
 * gets the arguments behind its name and returns the exit status. */
#ifndef HELLO_H
#define HELLO_H

enum { USAGE = 2 };

/* hello serve: answers HTTP on $PORT until SIGTERM. */
int serve(int argc, char **argv);

/* hello id: who and where this process is, as stable lines. */
int inspect(int argc, char **argv);

/* A socket listening on port (of address, or of all addresses of both families), or -1. */
int listen_on(const char *address, int port);

#endif
