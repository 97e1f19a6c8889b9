/* The OCI runtime specification's config.json (config.md, config-linux.md), as a launch spec. What
 * it says is obeyed, not improved: no filter, no masks, no namespace that it does not name.
 *
 * Read are ociVersion, process (args, env, cwd, user, capabilities, noNewPrivileges, rlimits,
 * terminal, oomScoreAdj), root, hostname, mounts and linux (namespaces, uidMappings, gidMappings,
 * maskedPaths, readonlyPaths). What would weaken a container if it were ignored is an error; other
 * members are ignored, as the specification wants. */
#ifndef MODEL_OCICONFIG_H
#define MODEL_OCICONFIG_H

#include "base/error.h"
#include "model/spec.h"

/* file is the document's name in errors: "FILE:LINE: $.process.args: …", ERROR_CONFIG or
 * ERROR_UNSUPPORTED. *ret_root is root.path as written, relative to the bundle or absolute; the
 * caller frees it. Both are untouched on failure. */
int ociconfig_parse(const char *file, const char *text, size_t len, struct spec *ret,
	char **ret_root, struct error *err);

#endif
