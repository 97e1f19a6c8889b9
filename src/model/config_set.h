/* What config.json's reader, the flags and a release's reader share. */
#ifndef MODEL_CONFIG_SET_H
#define MODEL_CONFIG_SET_H

#include "base/json.h"
#include "model/config.h"

/* Indexed by enum egress. */
#define EGRESS_NAMES                       \
	{                                  \
		"services", "none", "open" \
	}

/* Checked values into a config; a process or service that is there is replaced. */
int set_service(struct config *config, const char *name, const char *url, struct error *err);
int set_quantity(struct config *config, const char *process, unsigned quantity, struct error *err);
void add_limits(struct config *config, const char *process, const struct limits *limits);

/* text is [ADDRESS:]PORT. */
int add_port(struct config *config, const char *text, const char *process, bool from_flag,
	struct error *err);

/* By process, address, number. */
void sort_ports(struct config_port *ports, size_t count);

/* The ports of one process: one or an array of [ADDRESS:]PORT, or of bare numbers. */
int read_process_ports(
	const struct json_at *at, const char *process, struct config *ret, struct error *err);

int read_egress(const struct json_at *at, enum egress *ret, struct error *err);

/* {format, drains}. */
int read_logs(
	const struct json_at *at, char **ret_format, struct strv *ret_drains, struct error *err);

#endif
