/* $.process of an OCI config.json: what to execute, as whom, with what power. */
#include "ociprocess.h"

#include "base/memory.h"
#include "ocifield.h"

#include <string.h>
#include <sys/resource.h>

/* capabilities(7), by number. libcap knows them too, but has its door in another layer. */
static const char *const capabilities[] = { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
	"CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT",
	"CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
	"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
	"CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE" };

static int parse_group(const struct json_at *at, struct spec *spec, struct error *err)
{
	int64_t gid;

	if (json_get_int(at, 0, UINT32_MAX - 1, &gid, err) < 0)
		return -1;
	spec->groups = memory_resize(spec->groups, spec->group_count + 1, sizeof *spec->groups);
	spec->groups[spec->group_count++] = (uint32_t)gid;
	return 0;
}

static int parse_user(const struct json_at *process, struct spec *spec, struct error *err)
{
	struct json_at user;

	spec->umask = 022;
	if (!json_member(process, "user", &user))
		return 0;
	if (json_is(&user, JSON_OBJECT, err) < 0 ||
		ocifield_u32(&user, "uid", &spec->uid, err) < 0 ||
		ocifield_u32(&user, "gid", &spec->gid, err) < 0 ||
		ocifield_u32(&user, "umask", &spec->umask, err) < 0)
		return -1;
	return ocifield_each(&user, "additionalGids", parse_group, spec, err);
}

static int parse_capability(const struct json_at *at, uint64_t *ret, struct error *err)
{
	const char *name;

	if (json_get_str(at, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
		if (strcmp(capabilities[i], name) != 0)
			continue;
		*ret |= UINT64_C(1) << i;
		return 0;
	}
	return json_error(at, err, "there is no capability \"%s\"", name);
}

static int parse_set(
	const struct json_at *object, const char *key, uint64_t *ret, struct error *err)
{
	struct json_at array, element;

	if (!json_member(object, key, &array))
		return 0;
	if (json_is(&array, JSON_ARRAY, err) < 0)
		return -1;
	for (size_t i = 0; json_element(&array, i, &element); i++)
		if (parse_capability(&element, ret, err) < 0)
			return -1;
	return 0;
}

static int parse_capabilities(const struct json_at *process, struct spec *spec, struct error *err)
{
	struct spec_capabilities *sets = &spec->capabilities;
	struct json_at object;

	if (!json_member(process, "capabilities", &object))
		return 0;
	if (json_is(&object, JSON_OBJECT, err) < 0 ||
		parse_set(&object, "bounding", &sets->bounding, err) < 0 ||
		parse_set(&object, "permitted", &sets->permitted, err) < 0 ||
		parse_set(&object, "effective", &sets->effective, err) < 0 ||
		parse_set(&object, "inheritable", &sets->inheritable, err) < 0)
		return -1;
	return parse_set(&object, "ambient", &sets->ambient, err);
}

static int parse_limit(
	const struct json_at *object, const char *key, uint64_t *ret, struct error *err)
{
	struct json_at member;
	int64_t value;

	if (!json_member(object, key, &member))
		return json_error(object, err, "%s is missing", key);
	if (json_get_int(&member, 0, INT64_MAX, &value, err) < 0)
		return -1;
	*ret = (uint64_t)value;
	return 0;
}

static int parse_rlimit(const struct json_at *at, struct spec *spec, struct error *err)
{
	struct json_at type;
	const char *name;
	uint64_t soft, hard;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	if (!json_member(at, "type", &type))
		return json_error(at, err, "type is missing");
	if (json_get_str(&type, &name, err) < 0 || parse_limit(at, "soft", &soft, err) < 0 ||
		parse_limit(at, "hard", &hard, err) < 0)
		return -1;
	for (int i = 0; i < RLIMIT_NLIMITS; i++) {
		const char *known = spec_rlimit_name(i);

		if (!known || strcmp(known, name) != 0)
			continue;
		spec_add_rlimit(spec, i, soft, hard);
		return 0;
	}
	return json_error(&type, err, "there is no limit \"%s\"", name);
}

int ociprocess_parse(const struct json_at *at, struct spec *spec, struct error *err)
{
	static const char *const refused[] = { "apparmorProfile", "selinuxLabel", NULL };
	struct json_at member;
	int64_t score = 0;

	if (json_is(at, JSON_OBJECT, err) < 0 || ocifield_refuse(at, refused, err) < 0 ||
		ocifield_strv(at, "args", &spec->argv, err) < 0 ||
		ocifield_strv(at, "env", &spec->env, err) < 0 ||
		ocifield_str(at, "cwd", &spec->cwd, err) < 0 || parse_user(at, spec, err) < 0 ||
		parse_capabilities(at, spec, err) < 0 ||
		ocifield_bool(at, "noNewPrivileges", &spec->no_new_privs, err) < 0 ||
		ocifield_each(at, "rlimits", parse_rlimit, spec, err) < 0 ||
		ocifield_bool(at, "terminal", &spec->terminal, err) < 0)
		return -1;
	if (json_member(at, "oomScoreAdj", &member) &&
		json_get_int(&member, -1000, 1000, &score, err) < 0)
		return -1;
	spec->oom_score_adj = (int)score;
	if (spec->argv.len == 0)
		return json_error(at, err, "args is missing or empty");
	if (!spec->cwd || spec->cwd[0] != '/')
		return json_error(at, err, "cwd must be an absolute path");
	return 0;
}
