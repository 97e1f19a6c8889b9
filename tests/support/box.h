/* For tests that launch processes: a box is a root made of one static program, from which processes
 * are launched from start to end, with their output. */
#ifndef TESTS_SUPPORT_BOX_H
#define TESTS_SUPPORT_BOX_H

#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"
#include "sandbox/sandbox.h"

enum { BOX_BASE = 1000000, BOX_IDS = 65536 };

struct box {
	char dir[64]; /* temporary; root/ and scratch/ are in it */
	int dirfd;
	int cgroup; /* to be launched into; -1 */
};

struct box_result {
	int launched;      /* 0, or -1 with error */
	int status;        /* of wait(2) */
	struct buf output; /* stdout and stderr */
	struct error error;
};

/* Whether this process may do what launching needs; false after saying why not. */
bool box_possible(void);

/* Makes the directory with a root in it: /bin/probe and the mount points. Also moves the test into
 * a private mount namespace, once. */
void box_init(struct box *box);
void box_done(struct box *box);

/* Makes a directory or a file in the root. */
void box_make_dir(const struct box *box, const char *path);
void box_make_file(const struct box *box, const char *path, const char *text, unsigned mode);
void box_copy(const struct box *box, const char *from, const char *to);
void box_remove(const struct box *box, const char *path);

/* A mount of the root with the ids of box_spec. */
int box_root(const struct box *box, bool writable);

/* The defaults with maps, init, user 1000, and "/bin/probe WORD…" (NULL-terminated) as command. */
void box_spec(struct spec *spec, const char *const *words);

/* A launch that goes on: output is the reading end of stdout and stderr. */
struct box_launch {
	struct sandbox sandbox;
	int output;
};
int box_create(const struct box *box, const struct spec *spec, struct box_launch *ret,
	struct error *err); /* sandbox_create only */
int box_start(
	const struct box *box, const struct spec *spec, struct box_launch *ret, struct error *err);
void box_finish(struct box_launch *launch);

/* Launches and waits; standard input is empty. Frees nothing of spec. */
void box_run(const struct box *box, const struct spec *spec, struct box_result *ret);
/* Fails the test, with the error, if it was not launched. */
void box_assert_launched(const struct box_result *result);

/* Reads a file of the host. */
void box_read(const char *path, struct buf *ret);

void box_result_done(struct box_result *result);

/* box_spec and box_run in one. */
void box_probe(const struct box *box, const char *const *words, struct box_result *ret);
#define PROBE(box, result, ...) box_probe(box, (const char *const[]){ __VA_ARGS__, NULL }, result)

#endif
