/* Mounts of an OCI config.json. Its options are those of mount(8) in one list: attributes of the
 * mount, propagation, bind, and everything else, which is the file system's own. */
#include "ocimount.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct option {
	const char *name;
	uint64_t set, clear;
};

/* mount_setattr(2) */
static const struct option attributes[] = {
	{ "defaults", 0, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "relatime", 0, MOUNT_ATTR__ATIME },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	/* Mounts are always private; asking for it is fine. */
	{ "private", 0, 0 },
	{ "rprivate", 0, 0 },
};

static const char *const refused[] = { "shared", "rshared", "slave", "rslave", "unbindable",
	"runbindable", "idmap", "ridmap", "tmpcopyup", "remount" };

static bool is_attribute(const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		if (strcmp(attributes[i].name, name) != 0)
			continue;
		*ret = (*ret & ~attributes[i].clear) | attributes[i].set;
		return true;
	}
	return false;
}

static void set_type(struct spec_mount *mount, const char *type)
{
	free(mount->type);
	mount->type = memory_copy_str(type);
}

static int parse_option(const struct json_at *at, struct spec_mount *mount, struct error *err)
{
	const char *name;

	if (json_get_str(at, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (strcmp(name, refused[i]) == 0)
			return json_error(at, err, "\"%s\" is not supported", name);
	if (is_attribute(name, &mount->attributes))
		return 0;
	if (strcmp(name, "bind") == 0 || strcmp(name, "rbind") == 0)
		set_type(mount, name);
	else
		strv_add(&mount->options, name);
	return 0;
}

static int parse_options(const struct json_at *at, struct spec_mount *mount, struct error *err)
{
	struct json_at options, option;

	if (!json_member(at, "options", &options))
		return 0;
	if (json_is(&options, JSON_ARRAY, err) < 0)
		return -1;
	for (size_t i = 0; json_element(&options, i, &option); i++)
		if (parse_option(&option, mount, err) < 0)
			return -1;
	return 0;
}

static int check(const struct json_at *at, const struct spec_mount *mount, struct error *err)
{
	bool bind = strcmp(mount->type, "bind") == 0 || strcmp(mount->type, "rbind") == 0;

	if (mount->target[0] != '/')
		return json_error(at, err, "destination must be absolute");
	if (!bind && !*mount->type)
		return json_error(at, err, "type is missing");
	if (bind && (!mount->source || mount->source[0] != '/'))
		return json_error(at, err, "the source of a bind must be absolute");
	if (bind && mount->options.len)
		return json_error(
			at, err, "\"%s\" is no option of a bind", mount->options.items[0]);
	return 0;
}

int ocimount_parse(const struct json_at *at, struct spec *spec, struct error *err)
{
	const char *destination, *type = "", *source = NULL;
	struct spec_mount *mount;
	struct json_at member;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	if (!json_member(at, "destination", &member))
		return json_error(at, err, "destination is missing");
	if (json_get_str(&member, &destination, err) < 0 ||
		(json_member(at, "type", &member) && json_get_str(&member, &type, err) < 0) ||
		(json_member(at, "source", &member) && json_get_str(&member, &source, err) < 0))
		return -1;
	if (json_member(at, "uidMappings", &member) || json_member(at, "gidMappings", &member))
		return json_error(&member, err, "mappings of a mount are not supported");
	/* "cgroup" means whatever the host has, and isorun runs only where that is version 2. */
	mount = spec_add_mount(
		spec, strcmp(type, "cgroup") == 0 ? "cgroup2" : type, source, destination, 0);
	if (parse_options(at, mount, err) < 0)
		return -1;
	return check(at, mount, err);
}
