/* Finding the command in the root, and executing it. The kernel says ENOENT for a missing file, a
 * missing interpreter and a missing dynamic loader alike, so what it will need is looked at before,
 * as the user it will run as.
 *
 * Deliberately absent: running a script without "#!" by a shell; there may be none. */
#include "base/cleanup.h"
#include "kernel/path.h"
#include "launch.h"
#include "program.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

static int not_found(const char *name, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "%s: command not found", name);
}

/* Whether the kernel would execute path, which errors call shown. */
static int check_file(int root, const char *path, const char *shown, struct error *err)
{
	CLEANUP_CLOSE int fd = path_open(root, path, O_PATH, 0);
	struct statvfs fs;
	struct stat status;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_found(shown, err);
	if (fd < 0 || fstat(fd, &status) < 0) {
		error_errno(err, "%s", shown);
		err->kind = ERROR_NOT_EXECUTABLE;
		return -1;
	}
	if (S_ISDIR(status.st_mode))
		return error_set(err, ERROR_NOT_EXECUTABLE, "%s: is a directory", shown);
	if (S_ISREG(status.st_mode) && faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
		return 0;
	error_set(err, ERROR_NOT_EXECUTABLE, "%s: not executable", shown);
	if (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOEXEC)
		error_hint(err, "it is on a mount that holds no programs (noexec)");
	return -1;
}

/* The absolute spelling of a path that may be relative to the working directory. */
static int make_absolute(const struct launch *launch, const char *path, char *ret)
{
	const char *cwd = launch->spec->cwd ? launch->spec->cwd : "/";
	int len = *path == '/' ? snprintf(ret, PATH_MAX, "%s", path)
			       : snprintf(ret, PATH_MAX, "%s/%s", cwd, path);

	return len < PATH_MAX ? 0 : -1;
}

/* The next directory of a PATH with name behind it, in ret. An empty directory is the current one;
 * false at the end. */
static bool next_candidate(const char **path, const char *name, char *ret)
{
	size_t len;

	if (!*path)
		return false;
	len = strcspn(*path, ":");
	if (snprintf(ret, PATH_MAX, "%.*s%s%s", (int)len, *path, len ? "/" : "./", name) >=
		PATH_MAX)
		ret[0] = '\0';
	*path = (*path)[len] ? *path + len + 1 : NULL;
	return true;
}

/* As execvp(3): the first that can be executed; else what was wrong with the first that is there.
 */
static int search(struct launch *launch, const char *name, struct error *err)
{
	const char *path = strv_env_get(&launch->spec->env, "PATH");
	char absolute[PATH_MAX];

	path = path ? path : default_path;
	not_found(name, err);
	error_hint(err, "PATH is %s", path);
	while (next_candidate(&path, name, launch->command)) {
		struct error this;

		if (make_absolute(launch, launch->command, absolute) < 0)
			continue;
		if (check_file(launch->root, absolute, launch->command, &this) == 0)
			return 0;
		if (this.kind != ERROR_NOT_FOUND && err->kind == ERROR_NOT_FOUND)
			*err = this;
	}
	return -1;
}

int command_find(struct launch *launch, struct error *err)
{
	const char *name = launch->spec->argv.items[0];
	char absolute[PATH_MAX];

	if (!*name)
		return error_set(err, ERROR_NOT_FOUND, "the command is empty");
	if (!strchr(name, '/')) {
		if (search(launch, name, err) < 0)
			return -1;
		if (make_absolute(launch, launch->command, absolute) < 0)
			return not_found(name, err);
		return program_check(launch->root, absolute, err);
	}
	if (make_absolute(launch, name, absolute) < 0)
		return not_found(name, err);
	(void)snprintf(launch->command, sizeof launch->command, "%s", name); /* fits: checked */
	if (check_file(launch->root, absolute, name, err) < 0)
		return -1;
	return program_check(launch->root, absolute, err);
}

int command_announce(struct launch *launch, struct error *err)
{
	const struct launch_record record = { .stage = LAUNCH_EXEC };

	return launch_send(launch->sync, &record, -1, err);
}

int command_execute(struct launch *launch, struct error *err)
{
	static char *const none[] = { NULL };
	char *const *env = launch->spec->env.items ? launch->spec->env.items : none;

	/* Again, because since the first time we have opened some ourselves. */
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_errno(err, "close descriptors");
	(void)execve(launch->command, launch->spec->argv.items, env); /* returns only to fail */
	if (errno == ENOEXEC)
		return error_set(err, ERROR_NOT_EXECUTABLE,
			"%s: neither a program for this machine nor a script that begins with #!",
			launch->command);
	error_errno(err, "%s", launch->command);
	err->kind = ERROR_NOT_EXECUTABLE;
	return -1;
}
