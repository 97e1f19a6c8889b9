/* A deploy's config: config.json, env files and flags merged (flags win, then the last env file).
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/error.h"
#include "base/strv.h"
#include "model/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum egress { EGRESS_SERVICES, EGRESS_NONE, EGRESS_OPEN };

struct config_quantity {
	char *process;
	unsigned quantity;
};

struct config_port {
	char *process;
	char *address; /* "127.0.0.1", "*" (all, IPv4 and IPv6), "[::1]", … */
	uint16_t port;
	bool from_flag; /* private to model/config.c */
};

struct config_limits {
	char *process;
	struct limits limits;
};

struct config {
	char *deploy;         /* NULL: not said ("dev") */
	struct strv env;      /* KEY=VALUE */
	struct strv services; /* NAME=URL */
	struct config_quantity *formation;
	size_t formation_count;
	struct config_port *ports; /* a process may have several */
	size_t port_count;
	bool ports_said; /* "ports": {} publishes nothing, no "ports" the default */
	struct config_limits *limits;
	size_t limit_count;
	enum egress egress;
	char *log_format; /* NULL: not said */
	struct strv drains;
};

/* Reads config.json's text; text[len] must be a NUL. Names of processes and services are checked
 * against the manifest only by release_join. */
int config_parse(
	const char *file, const char *text, size_t len, struct config *ret, struct error *err);

/* Flags, each adding to or replacing what is there. texts as on the command line: "K=V",
 * "web=2,worker=1", "cache=URL" (an empty URL detaches) and [ADDRESS:]PORT[:PROCESS], where no
 * process means web and no address all of them, as elsewhere. The ports of flags replace the file's
 * ports of the same process. Errors are ERROR_CONFIG and leave config unchanged. */
int config_set_env(struct config *config, const char *text, struct error *err);
int config_set_formation(struct config *config, const char *text, struct error *err);
int config_set_port(struct config *config, const char *text, struct error *err);
int config_set_service(struct config *config, const char *text, struct error *err);

void config_done(struct config *config);

#endif
