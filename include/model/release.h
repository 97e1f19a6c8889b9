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
	struct strv env; /* KEY=VALUE: image env, defaults, config, services. Platform variables are
			    not in it */
	char *cwd;       /* "/app" */
	uint32_t uid, gid;              /* 1000, 1000 */
	struct process_type *processes; /* quantities, limits merged with the config's */
	size_t process_count;
	struct config_port *ports; /* what is published, defaults filled in */
	size_t port_count;
	enum egress egress;
	char *log_format;
};

/* Joins. env is the build's image Env, manifest its label. Checks: required variables and services
 * are there and not empty, no unknown process or service names in config. ERROR_CONFIG. Leaves id
 * empty: it is known only once the image manifest is. */
int release_join(const struct manifest *manifest, const struct config *config,
	const struct strv *image_env, struct release *ret, struct error *err);

/* To and from JSON. Reading checks everything: the text may come from a stranger's archive. */
json_t *release_print(const struct release *release);
int release_parse(
	const char *file, const char *text, size_t len, struct release *ret, struct error *err);

const struct process_type *release_process(const struct release *release, const char *name);

/* The launch spec of one process: the one place where a release becomes what the kernel is told.
 * instance: "web.1", "run.1" for a one-off. argv NULL: the type's own command, else a one-off's.
 * terminal: a pseudoterminal, with term, columns and rows in the environment. ids as in the spec's
 * maps: host ids start at base. name_with_version is ISORUN_RELEASE ("v7-3f9a1c20be44"). */
struct release_launch {
	const struct process_type
		*type; /* of the one-off: the type it is like (web, or the first) */
	const char *instance;
	const struct strv *argv;
	const char *version;
	bool terminal;
	const char *term; /* TERM; NULL: not set */
	unsigned columns, rows;
	uint32_t id_base;
};
void release_spec(
	const struct release *release, const struct release_launch *launch, struct spec *ret);

void release_done(struct release *release);

#endif
