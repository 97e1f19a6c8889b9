/* Features of the caller: the groups and the ranges of ids that come with the account. These are
 * the few that are read, for there is nothing to try: groups are what they are, and a range is
 * given out by newuidmap(1), which isorun does not run. */
#include "kernel/feature.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/userns.h"
#include "subid.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { GROUPS_MAX = 65536, TEXT_MAX = 1 << 20, ENOUGH = 65536 };

static void add_group(struct buf *names, gid_t gid)
{
	const struct group *group = getgrgid(gid);

	buf_add_str(names, names->len ? ", " : "");
	if (group)
		buf_add_str(names, group->gr_name);
	else
		buf_addf(names, "%u", (unsigned)gid);
}

enum trial_result feature_groups(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_BUF struct buf names = { 0 };
	CLEANUP_FREE gid_t *groups = calloc(GROUPS_MAX, sizeof *groups);
	int count = groups ? getgroups(GROUPS_MAX, groups) : -1;

	(void)context;
	if (count < 0)
		return (enum trial_result)error_errno(err, "groups");
	if (userns_owns_ids()) {
		(void)snprintf(found, TRIAL_TEXT, "all dropped"); /* fits */
		return TRIAL_DONE;
	}
	for (int i = 0; i < count; i++)
		if (groups[i] != getegid())
			add_group(&names, groups[i]);
	if (!names.len) {
		(void)snprintf(found, TRIAL_TEXT, "your own only"); /* fits */
		return TRIAL_DONE;
	}
	error_set(err, ERROR_UNSUPPORTED, "these stay with every process: %s", names.data);
	error_hint(err, "sudo setpriv --reuid=%u --regid=%u --clear-groups isorun …",
		(unsigned)geteuid(), (unsigned)getegid());
	return TRIAL_IN_PART;
}

static uint64_t count_ids(const char *file, const char *user)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored; /* what cannot be read gives nobody ids */

	if (file_read_at(AT_FDCWD, file, TEXT_MAX, &text, &ignored) < 0 || !text.len)
		return 0;
	return subid_count(text.data, user, geteuid());
}

static bool is_installed(const char *program)
{
	static const char *const places[] = { "/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin" };
	char path[64];

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", places[i], program); /* fits */
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

enum trial_result feature_subids(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const char *user = context;
	uint64_t users, groups;

	if (userns_owns_ids()) {
		(void)snprintf(found, TRIAL_TEXT, "not needed: root has a range for each deploy");
		return TRIAL_DONE;
	}
	if (!is_installed("newuidmap") || !is_installed("newgidmap")) {
		error_set(err, ERROR_UNSUPPORTED, "no newuidmap and newgidmap");
		error_hint(err, "sudo apt-get install uidmap");
		return TRIAL_FAILED;
	}
	users = count_ids("/etc/subuid", user);
	groups = count_ids("/etc/subgid", user);
	if (users >= ENOUGH && groups >= ENOUGH) {
		(void)snprintf(found, TRIAL_TEXT, "newuidmap, %" PRIu64 " ids", users); /* fits */
		return TRIAL_DONE;
	}
	error_set(err, ERROR_UNSUPPORTED, "no %d ids in /etc/subuid and /etc/subgid", ENOUGH);
	error_hint(err, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
		user ? user : "USER");
	return TRIAL_FAILED;
}
