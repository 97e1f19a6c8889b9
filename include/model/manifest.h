/* isorun.json, the app's manifest: what PRODUCT calls the manifest, parsed and checked. Holds no
 * config of any deploy. */
#ifndef MODEL_MANIFEST_H
#define MODEL_MANIFEST_H

#include "base/error.h"
#include "base/json.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 in any of these: not said. */
struct limits {
	uint64_t memory;
	uint32_t cpu_milli;
	uint32_t pids;
	uint64_t tmp; /* bytes of /tmp */
};

enum {
	PORT_DEFAULT = 5000,
	PROCESS_TYPES_MAX = 256, /* in one manifest or release */
	QUANTITY_MAX = 1000,     /* instances of one type */
	INSTANCES_MAX = 1000,    /* of all types together */
	VARIABLES_MAX = 4096,    /* in one environment */
};

/* A process type with everything that its manifest entry can say. */
struct process_type {
	char *name;
	struct strv argv; /* what is executed; of a string without shell: its words, variables as
			     written (release_spec expands them, model/command.h) */
	char *command;    /* as written, where it was a string; NULL where it was an array */
	bool shell;       /* argv is /bin/sh -c …, so the root needs /bin/sh */
	bool port;        /* listens on PORT */
	uint16_t port_number;   /* PORT: 5000 unless said ("port": 8080) */
	char *ready_path;       /* HTTP path, or NULL: TCP where port, else at once */
	uint64_t ready_timeout; /* milliseconds; 60000 unless said */
	int stop_signal;        /* SIGTERM unless said */
	uint64_t stop_timeout;  /* milliseconds; 10000 unless said */
	bool stop_group;
	bool tmp_exec;             /* /tmp without noexec */
	struct strv seccomp_allow; /* groups of the default filter let through */
	struct limits limits;
	unsigned quantity; /* 1 for web, else 0 unless said; "release" always 0 */
};

struct env_declaration {
	char *key;
	char *value; /* the default, or NULL */
	char *description;
	bool required;
	bool secret; /* "generator": "secret": any will do, so start makes one up; else required */
};

struct service_declaration {
	char *name;
	char *env; /* the variable that holds its URL */
	bool required;
};

struct manifest {
	char *name;
	char *suite; /* dependencies.debian.suite, or NULL */
	struct strv packages;
	char *base;        /* dependencies.base: a path in the codebase, or NULL */
	struct strv files; /* pairs: target, source, target, source … */
	char *build_suite;
	struct strv build_packages;
	struct strv build_argv; /* empty: no build command */
	bool build_network;
	struct process_type *processes;
	size_t process_count;
	struct env_declaration *env;
	size_t env_count;
	struct service_declaration *services;
	size_t service_count;
};

/* Reads isorun.json's text; text[len] must be a NUL. procfile (may be NULL) is used where there is
 * no "processes" key; its text was read from "Procfile". Errors are ERROR_CONFIG with file, line
 * and JSON path. Sizes may also be numbers of bytes and times numbers of seconds; an "env" value
 * may be a string (the default) and a "services" value too (the variable, else NAME_URL). */
int manifest_parse(const char *file, const char *text, size_t len, const char *procfile,
	struct manifest *ret, struct error *err);

/* As a JSON value with everything resolved, for the label dev.isorun.manifest; manifest_parse of
 * its text gives an equal manifest. The caller owns it. */
json_t *manifest_print(const struct manifest *manifest);

/* The process type of this name, or NULL. */
const struct process_type *manifest_process(const struct manifest *manifest, const char *name);

void process_type_done(struct process_type *type);
void manifest_done(struct manifest *manifest);

#endif
