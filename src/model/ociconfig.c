/* The OCI config.json. Each function reads one object of it into its part of the spec. */
#include "model/ociconfig.h"

#include "base/json.h"
#include "ocifield.h"
#include "ocimount.h"
#include "ociprocess.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static int parse_root(
	const struct json_at *top, struct spec *spec, char **ret_path, struct error *err)
{
	struct json_at root;
	bool readonly = false;

	if (!json_member(top, "root", &root))
		return json_error(top, err, "root is missing");
	if (json_is(&root, JSON_OBJECT, err) < 0 ||
		ocifield_bool(&root, "readonly", &readonly, err) < 0 ||
		ocifield_str(&root, "path", ret_path, err) < 0)
		return -1;
	if (!*ret_path || !**ret_path)
		return json_error(&root, err, "path is missing");
	spec->root_writable = !readonly;
	return 0;
}

static int parse_namespace(const struct json_at *at, struct spec *spec, struct error *err)
{
	static const struct {
		const char *name;
		unsigned long long flag;
	} types[] = {
		{ "cgroup", CLONE_NEWCGROUP },
		{ "ipc", CLONE_NEWIPC },
		{ "mount", CLONE_NEWNS },
		{ "network", CLONE_NEWNET },
		{ "pid", CLONE_NEWPID },
		{ "time", CLONE_NEWTIME },
		{ "user", CLONE_NEWUSER },
		{ "uts", CLONE_NEWUTS },
	};
	static const char *const refused[] = { "path", NULL };
	struct json_at type;
	const char *name;

	if (json_is(at, JSON_OBJECT, err) < 0 || ocifield_refuse(at, refused, err) < 0)
		return -1;
	if (!json_member(at, "type", &type))
		return json_error(at, err, "type is missing");
	if (json_get_str(&type, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(types[i].name, name) != 0)
			continue;
		if (spec->namespaces & types[i].flag)
			return json_error(&type, err, "\"%s\" is there twice", name);
		spec->namespaces |= types[i].flag;
		return 0;
	}
	return json_error(&type, err, "there is no namespace \"%s\"", name);
}

static int parse_map(const struct json_at *at, struct spec_id_map *ret, struct error *err)
{
	struct spec_id_map map = { 0 };

	if (json_is(at, JSON_OBJECT, err) < 0 ||
		ocifield_u32(at, "containerID", &map.inside, err) < 0 ||
		ocifield_u32(at, "hostID", &map.outside, err) < 0 ||
		ocifield_u32(at, "size", &map.count, err) < 0)
		return -1;
	if (map.count == 0)
		return json_error(at, err, "size is missing or 0");
	*ret = map;
	return 0;
}

static int parse_uid_map(const struct json_at *at, struct spec *spec, struct error *err)
{
	struct spec_id_map map;

	if (parse_map(at, &map, err) < 0)
		return -1;
	spec_add_uid_map(spec, map.inside, map.outside, map.count);
	return 0;
}

static int parse_gid_map(const struct json_at *at, struct spec *spec, struct error *err)
{
	struct spec_id_map map;

	if (parse_map(at, &map, err) < 0)
		return -1;
	spec_add_gid_map(spec, map.inside, map.outside, map.count);
	return 0;
}

static int parse_linux(const struct json_at *top, struct spec *spec, struct error *err)
{
	static const char *const refused[] = { "seccomp", "sysctl", "devices", "mountLabel",
		"rootfsPropagation", "intelRdt", "personality", "timeOffsets", NULL };
	struct json_at linux_;

	if (!json_member(top, "linux", &linux_))
		return json_error(top, err, "linux is missing");
	if (json_is(&linux_, JSON_OBJECT, err) < 0 || ocifield_refuse(&linux_, refused, err) < 0 ||
		ocifield_each(&linux_, "namespaces", parse_namespace, spec, err) < 0 ||
		ocifield_each(&linux_, "uidMappings", parse_uid_map, spec, err) < 0 ||
		ocifield_each(&linux_, "gidMappings", parse_gid_map, spec, err) < 0 ||
		ocifield_strv(&linux_, "maskedPaths", &spec->masked, err) < 0 ||
		ocifield_strv(&linux_, "readonlyPaths", &spec->readonly, err) < 0)
		return -1;
	if (!(spec->namespaces & CLONE_NEWNS))
		return json_error(&linux_, err, "a container needs a mount namespace of its own");
	if (!(spec->namespaces & CLONE_NEWUSER) && spec->uid_map_count + spec->gid_map_count)
		return json_error(&linux_, err, "mappings need a user namespace");
	return 0;
}

/* The specification's default devices go into the tmpfs that every config puts on /dev. */
static bool has_dev(const struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (strcmp(spec->mounts[i].target, "/dev") == 0 &&
			strcmp(spec->mounts[i].type, "tmpfs") == 0)
			return true;
	return false;
}

static int parse_top(
	const struct json_at *top, struct spec *spec, char **ret_root, struct error *err)
{
	static const char *const refused[] = { "hooks", NULL };
	struct json_at version, process;
	const char *text;

	if (json_is(top, JSON_OBJECT, err) < 0)
		return -1;
	if (!json_member(top, "ociVersion", &version))
		return json_error(top, err, "ociVersion is missing");
	if (json_get_str(&version, &text, err) < 0)
		return -1;
	if (strncmp(text, "1.", 2) != 0)
		return json_error(&version, err, "version %s is not 1.x", text);
	if (ocifield_refuse(top, refused, err) < 0)
		return -1;
	if (!json_member(top, "process", &process))
		return json_error(top, err, "process is missing");
	if (ociprocess_parse(&process, spec, err) < 0 || parse_root(top, spec, ret_root, err) < 0 ||
		ocifield_str(top, "hostname", &spec->hostname, err) < 0 ||
		ocifield_each(top, "mounts", ocimount_parse, spec, err) < 0)
		return -1;
	spec->default_devices = has_dev(spec);
	return parse_linux(top, spec, err);
}

int ociconfig_parse(const char *file, const char *text, size_t len, struct spec *ret,
	char **ret_root, struct error *err)
{
	json_t *document CLEANUP_JSON = NULL;
	struct spec spec = { 0 };
	char *root = NULL;

	if (json_parse(file, text, len, &document, err) < 0)
		return -1;
	if (parse_top(&(struct json_at){ .value = document, .file = file, .text = text }, &spec,
		    &root, err) < 0) {
		spec_done(&spec);
		free(root);
		return -1;
	}
	*ret = spec;
	*ret_root = root;
	return 0;
}
