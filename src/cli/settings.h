/* A deploy's config from files and flags, for the verbs that make releases. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/error.h"
#include "base/strv.h"
#include "model/config.h"
#include "model/release.h"

/* Reads config.json from path, "-" for standard input; NULL is an empty one. */
int settings_read_config(const char *path, struct config *ret, struct error *err);

/* Adds the variables of an env file, "FILE" or "DIALECT:FILE". With ret_port (not NULL) PORT may be
 * among them: it replaces *ret_port (freed), and is no variable of the config. */
int settings_add_env_file(
	const char *argument, struct config *config, char **ret_port, struct error *err);

/* One of model/config's setters. */
typedef int settings_flag(struct config *config, const char *text, struct error *err);

/* Gives each text to set. */
int settings_add_flags(
	const struct strv *texts, settings_flag *set, struct config *config, struct error *err);

/* Warns of what a release can say already and a run does not do yet. */
void settings_warn(const struct release *release);

#endif
