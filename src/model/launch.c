/* A release's process as a launch spec: SECURITY's defaults and PRODUCT's environment, in one
 * screen. Everything here was checked when the release was read or joined. */
#include "model/release.h"

#include "base/memory.h"
#include "model/command.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PIDS = 1024, TMP_BYTES = 64 << 20, HOST_NAME_MOST = 64 };

static void set_all(struct strv *env, const struct strv *from)
{
	for (size_t i = 0; i < from->len; i++) {
		char *key = memory_copy_str(from->items[i]);
		char *equals = strchr(key, '=');

		*equals = '\0'; /* every item has one: release_parse and _join see to it */
		strv_env_set(env, key, equals + 1);
		free(key);
	}
}

static void set_number(struct strv *env, const char *key, unsigned number)
{
	char *text = memory_format("%u", number);

	strv_env_set(env, key, text);
	free(text);
}

static void set_terminal(struct strv *env, const struct release_launch *launch)
{
	if (launch->term)
		strv_env_set(env, "TERM", launch->term);
	if (launch->columns)
		set_number(env, "COLUMNS", launch->columns);
	if (launch->rows)
		set_number(env, "LINES", launch->rows);
}

/* The closed environment. The first four are defaults that the release may replace; what isorun
 * itself says comes last and wins. */
static void set_env(
	const struct release *release, const struct release_launch *launch, struct strv *env)
{
	strv_env_set(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_env_set(env, "HOME", "/app");
	strv_env_set(env, "LANG", "C.UTF-8");
	strv_env_set(env, "TMPDIR", "/tmp");
	set_all(env, &release->env);
	set_number(env, "PORT", launch->type->port_number);
	strv_env_set(env, "ISORUN_APP", release->app);
	strv_env_set(env, "ISORUN_DEPLOY", release->deploy);
	strv_env_set(env, "ISORUN_RELEASE", launch->version);
	if (release->commit)
		strv_env_set(env, "ISORUN_COMMIT", release->commit);
	strv_env_set(env, "ISORUN_PROCESS", launch->instance);
	strv_env_set(env, "DYNO", launch->instance);
	if (launch->terminal)
		set_terminal(env, launch);
}

static void set_argv(const struct process_type *type, const struct strv *argv, struct spec *ret)
{
	if (argv)
		strv_add_all(&ret->argv, argv);
	else if (type->command)
		command_expand(type->command, &ret->env, &ret->argv);
	else
		strv_add_all(&ret->argv, &type->argv);
	if (ret->argv.len == 0)
		strv_add(&ret->argv, ""); /* variables that expand to nothing: exec says so */
}

/* The kernel takes 64 bytes; of a longer name the end with the number is kept. */
static char *host_name(const char *instance)
{
	size_t len = strlen(instance);
	const char *dot = strrchr(instance, '.');
	size_t tail = dot ? strlen(dot) : 0;

	if (len <= HOST_NAME_MOST || tail >= HOST_NAME_MOST)
		return memory_format("%.*s", (int)HOST_NAME_MOST, instance);
	return memory_format("%.*s%s", (int)(HOST_NAME_MOST - tail), instance, dot);
}

static void set_limits(const struct limits *limits, struct spec *ret)
{
	ret->limits.memory = limits->memory;
	ret->limits.cpu_milli = limits->cpu_milli;
	ret->limits.pids = limits->pids ? limits->pids : PIDS;
	spec_add_rlimit(ret, RLIMIT_CORE, 0, 0);
}

void release_spec(
	const struct release *release, const struct release_launch *launch, struct spec *ret)
{
	const struct process_type *type = launch->type;

	*ret = (struct spec){
		.hostname = host_name(launch->instance),
		.namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
			      CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
		.cwd = memory_copy_str(release->cwd),
		.uid = release->uid,
		.gid = release->gid,
		.umask = 022,
		.terminal = launch->terminal,
		.init = true,
		.stop_group = type->stop_group,
		.no_new_privs = true, /* and no capability in any of the five sets */
		.filter = SPEC_FILTER_DEFAULT,
	};
	spec_add_ids(ret, &launch->ids);
	spec_add_defaults(ret, type->limits.tmp ? type->limits.tmp : TMP_BYTES, type->tmp_exec);
	strv_add_all(&ret->filter_allow, &type->seccomp_allow);
	set_limits(&type->limits, ret);
	set_env(release, launch, &ret->env);
	set_argv(type, launch->argv, ret);
}
