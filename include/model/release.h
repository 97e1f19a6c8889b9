/* A release: build + config, everything decided. Stored as releases/HEX.json and carried in the
 * label dev.isorun.release, so that a run reads one small file and resolves nothing. */
#ifndef MODEL_RELEASE_H
#define MODEL_RELEASE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strv.h"
#include "model/config.h"
#include "model/manifest.h"
#include "model/spec.h"

struct release {
	struct digest id;    /* of its image manifest; not part of the text */
	struct digest build; /* id of the build it was made from */
	char *app;
	char *deploy;
	char *commit;          /* full hash, "+dirty" appended where so; NULL if unknown */
	struct digest *layers; /* diff_ids, bottom first */
	size_t layer_count;
	struct strv env;      /* KEY=VALUE, sorted: image env, defaults, config, services. Platform
				 variables are not in it */
	struct strv services; /* NAME=KEY, sorted: the attached ones, by their variable in env */
	char *cwd;            /* "/app" */
	uint32_t uid, gid;    /* 1000, 1000 */
	struct process_type *processes; /* quantities, limits merged with the config's */
	size_t process_count;
	struct config_port *ports; /* what is published, defaults filled in */
	size_t port_count;
	enum egress egress;
	char *log_format; /* NULL: not said */
	struct strv drains;
};

/* Joins. image_env is the build's image Env (NULL: none), manifest its label. Checks: required
 * variables and services are there and not empty, every process and service that config names is
 * the manifest's, ports are published once and only of types with a port. ERROR_CONFIG, the text
 * with its "release: " already. Leaves id, build, commit and layers empty: the caller sets them. */
int release_join(const struct manifest *manifest, const struct config *config,
	const struct strv *image_env, struct release *ret, struct error *err);

/* To and from JSON; exact both ways but for id. Reading checks everything, for the text may come
 * from a stranger's archive; text[len] must be a NUL. */
json_t *release_print(const struct release *release);
int release_parse(
	const char *file, const char *text, size_t len, struct release *ret, struct error *err);

/* The process type of this name, or NULL. */
const struct process_type *release_process(const struct release *release, const char *name);

/* What one launch of a release's process adds to the release. */
struct release_launch {
	const struct process_type *type; /* of a one-off: the type it is like (web, or the first) */
	const char *instance;            /* "web.1"; "run.1" for a one-off */
	const struct strv *argv; /* a one-off's; NULL: the type's own command, expanded from the
				    process's final environment */
	const char *version;     /* ISORUN_RELEASE: "v7-3f9a1c20be44" */
	bool terminal;           /* a pseudoterminal, with TERM, COLUMNS and LINES */
	const char *term;        /* NULL: no TERM */
	unsigned columns, rows;  /* 0: not known */
	struct spec_ids ids;
};

/* The launch spec of one process: the one place where a release becomes what the kernel is told. */
void release_spec(
	const struct release *release, const struct release_launch *launch, struct spec *ret);

void release_done(struct release *release);

#endif
