/* For tests that launch processes: a root made of one static program, and a launch from start to
 * end with its output. */
#ifndef TESTS_SUPPORT_CONTAINER_H
#define TESTS_SUPPORT_CONTAINER_H

#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"
#include "sandbox/sandbox.h"

enum { CONTAINER_BASE = 1000000, CONTAINER_IDS = 65536 };

struct container {
	char dir[64]; /* temporary; root/ and scratch/ are in it */
	int dirfd;
};

struct container_result {
	int launched;      /* 0, or -1 with error */
	int status;        /* of wait(2) */
	struct buf output; /* stdout and stderr */
	struct error error;
};

/* Whether this process may do what launching needs; false after saying why not. */
bool container_possible(void);

/* Makes the directory with a root in it: /bin/probe and the mount points. Also moves the test into
 * a private mount namespace, once. */
void container_init(struct container *container);
void container_done(struct container *container);

/* Makes a directory or a file in the root. */
void container_make_dir(const struct container *container, const char *path);
void container_make_file(
	const struct container *container, const char *path, const char *text, unsigned mode);
void container_copy(const struct container *container, const char *from, const char *to);
void container_remove(const struct container *container, const char *path);

/* A mount of the root with the ids of container_spec. */
int container_root(const struct container *container, bool writable);

/* The defaults with maps, init, user 1000, and "/bin/probe WORD…" (NULL-terminated) as command. */
void container_spec(struct spec *spec, const char *const *words);

/* A launch that goes on: output is the reading end of stdout and stderr. */
struct container_launch {
	struct sandbox sandbox;
	int output;
};
int container_create(const struct container *container, const struct spec *spec,
	struct container_launch *ret, struct error *err); /* sandbox_create only */
int container_start(const struct container *container, const struct spec *spec,
	struct container_launch *ret, struct error *err);
void container_finish(struct container_launch *launch);

/* Launches and waits; standard input is empty. Frees nothing of spec. */
void container_run(
	const struct container *container, const struct spec *spec, struct container_result *ret);
/* Fails the test, with the error, if it was not launched. */
void container_assert_launched(const struct container_result *result);

/* Reads a file of the host. */
void container_read(const char *path, struct buf *ret);

void container_result_done(struct container_result *result);

/* container_spec and container_run in one. */
void container_probe(
	const struct container *container, const char *const *words, struct container_result *ret);
#define PROBE(container, result, ...) \
	container_probe(container, (const char *const[]){ __VA_ARGS__, NULL }, result)

#endif
