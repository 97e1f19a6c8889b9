/* The runtime directory of an ordinary user: what systemd made for the login, else a directory in
 * /tmp, which everybody can write to. So one that is there already is used only where it is this
 * user's and nobody else's: who owns it could take the lock of a deploy, or lead it elsewhere. */
#include "base/memory.h"
#include "cli/cli.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUPS_MOST = 64, TEXT = 200 };

static bool is_private(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       !(status.st_mode & 077);
}

char *cli_runtime_dir(void)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	char own[32];

	if (geteuid() == 0)
		return memory_copy_str("/run/isorun");
	if (given && *given == '/')
		return memory_format("%s/isorun", given);
	(void)snprintf(own, sizeof own, "/run/user/%u", (unsigned)geteuid()); /* fits */
	return is_private(own) ? memory_format("%s/isorun", own)
			       : memory_format("/tmp/isorun-%u", (unsigned)geteuid());
}

int cli_check_runtime(const struct cli *cli, struct error *err)
{
	const char *given = getenv("ISORUN_RUNTIME_DIR");

	if ((given && *given) || strncmp(cli->runtime_dir, "/tmp/", strlen("/tmp/")) != 0)
		return 0;
	if (mkdir(cli->runtime_dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "%s", cli->runtime_dir);
	if (is_private(cli->runtime_dir))
		return 0;
	error_set(err, ERROR_FAILED, "%s is not this user's own, or open to others",
		cli->runtime_dir);
	return error_hint(err, "remove it, or say ISORUN_RUNTIME_DIR=DIRECTORY");
}

/* Their names, as far as they fit. */
static void print_groups(const gid_t *groups, int count, char text[TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < count && used < TEXT; i++) {
		const struct group *group = groups[i] == getegid() ? NULL : getgrgid(groups[i]);

		if (groups[i] == getegid())
			continue;
		used += (size_t)snprintf(text + used, TEXT - used, "%s%s%.0u", used ? ", " : "",
			group ? group->gr_name : "", group ? 0 : (unsigned)groups[i]);
	}
}

void cli_warn_of_groups(void)
{
	gid_t groups[GROUPS_MOST];
	char text[TEXT];
	int count = getgroups(GROUPS_MOST, groups);

	print_groups(groups, count, text);
	if (*text)
		cli_warn("the app's processes keep this user's other groups (%s), which only root "
			 "could drop",
			text);
}
