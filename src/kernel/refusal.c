/* Why a user namespace was refused: reading the settings, and judging by them.
 *
 * Theory of operation. The order of the judgement is that of certainty. A setting that forbids
 * explains a refusal whatever else there is; that a filter refuses is tried with an unshare(2) of
 * nothing, which nobody else refuses; a chroot and a security module leave no trace that an
 * ordinary user can read, so they come last, by what is left over.
 *
 * Reading is done only after a refusal: whether namespaces can be had is found out by making one,
 * never here. Deliberately absent: mending anything. The settings are the host's, not ours. */
#include "kernel/refusal.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SETTING_MAX = 64, TEXT_MAX = 1 << 20, ENOUGH = 15000 };

static bool read_text(int root, const char *name, size_t max, struct buf *ret)
{
	struct error ignored; /* what cannot be read is not there */

	return file_read_at(root, name, max, ret, &ignored) == 0 && ret->len > 0;
}

static bool is_there(int root, const char *name)
{
	return faccessat(root, name, F_OK, 0) == 0;
}

static int64_t read_number(int root, const char *name)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored; /* an odd setting is as good as none */
	uint64_t number;

	if (!read_text(root, name, SETTING_MAX, &text))
		return REFUSAL_UNKNOWN;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (number_parse(text.data, INT64_MAX, &number, &ignored) < 0)
		return REFUSAL_UNKNOWN;
	return (int64_t)number;
}

/* The value of "KEY:\tVALUE" in /proc/self/status, as a number. */
static uint64_t status_number(const char *status, const char *key, int base)
{
	const char *found = strstr(status, key);

	return found ? strtoull(found + strlen(key), NULL, base) : 0;
}

/* Whether a uid_map is the first namespace's, where every id is itself: "0 0 4294967295". */
static bool is_whole(const char *map)
{
	static const char whole[] = "0 0 4294967295";
	const char *wanted = whole;

	for (map += strspn(map, " "); *map && *map != '\n'; map++) {
		if (*map == ' ' && map[1] == ' ')
			continue;
		if (*map != *wanted++)
			return false;
	}
	return *wanted == '\0';
}

/* Whether mountinfo, proc_pid_mountinfo(5), lists a mount on "/". */
static bool has_root_mount(const char *mountinfo)
{
	const char *line = mountinfo;

	while (line) {
		int at = 0; /* where the fifth word begins */

		(void)sscanf(line, "%*s %*s %*s %*s %n", &at); /* at stays 0 in an odd line */
		if (at && strncmp(line + at, "/ ", 2) == 0)
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static void read_label(int root, char ret[REFUSAL_LABEL])
{
	CLEANUP_BUF struct buf text = { 0 };

	ret[0] = '\0';
	if (!read_text(root, "proc/self/attr/apparmor/current", TEXT_MAX, &text))
		return;
	text.data[strcspn(text.data, "\n")] = '\0';
	(void)snprintf(ret, REFUSAL_LABEL, "%s", text.data); /* a longer one is cut: for people */
}

/* The kinds of namespaces that are made with one, as their limits are called. */
static void read_siblings(int root, char *ret, size_t size)
{
	static const char *const kinds[] = { "mnt", "net", "pid", "ipc", "uts", "cgroup" };
	char name[64];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		(void)snprintf(name, sizeof name, "proc/sys/user/max_%s_namespaces", kinds[i]);
		if (read_number(root, name) != 0)
			continue;
		(void)snprintf(ret, size, "%s", kinds[i]); /* fits */
		return;
	}
}

void refusal_read(int root, struct refusal *ret)
{
	CLEANUP_BUF struct buf status = { 0 }, map = { 0 }, groups = { 0 }, mounts = { 0 };

	*ret = (struct refusal){
		.unprivileged_clone =
			read_number(root, "proc/sys/kernel/unprivileged_userns_clone"),
		.most = read_number(root, "proc/sys/user/max_user_namespaces"),
		.apparmor =
			read_number(root, "proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
		/* Without /proc nothing is known, and nothing held against the host. */
		.built = is_there(root, "proc/self/uid_map") || !is_there(root, "proc/self/status"),
		.mapped = !is_there(root, "proc/self/uid_map") ||
			  (read_text(root, "proc/self/uid_map", TEXT_MAX, &map) &&
				  read_text(root, "proc/self/gid_map", TEXT_MAX, &groups)),
		.rooted = !read_text(root, "proc/self/mountinfo", TEXT_MAX, &mounts) ||
			  has_root_mount(mounts.data),
	};
	read_siblings(root, ret->none, sizeof ret->none);
	read_label(root, ret->label);
	if (!read_text(root, "proc/self/status", TEXT_MAX, &status))
		return;
	ret->filtered = status_number(status.data, "\nSeccomp:", 10) == 2;
	ret->privileged = map.data && is_whole(map.data) &&
			  status_number(status.data, "\nCapEff:", 16) >> CAP_SYS_ADMIN & 1;
}

static int judge_limit(const struct refusal *refusal, struct error *err)
{
	if (refusal->most == 0) {
		error_set(err, ERROR_UNSUPPORTED, "none is allowed: user.max_user_namespaces is 0");
		return error_hint(err, "sudo sysctl -w user.max_user_namespaces=%d", ENOUGH);
	}
	if (*refusal->none) {
		error_set(err, ERROR_UNSUPPORTED,
			"nothing else fits in: user.max_%s_namespaces is 0", refusal->none);
		return error_hint(
			err, "sudo sysctl -w user.max_%s_namespaces=%d", refusal->none, ENOUGH);
	}
	/* Every namespace has a limit of its own and counts in all around it. In one that was made
	 * it is INT_MAX, so the one that was reached is further out. */
	if (refusal->most == REFUSAL_UNKNOWN || refusal->most >= INT32_MAX) {
		error_set(err, ERROR_UNSUPPORTED,
			"no more are allowed: user.max_user_namespaces outside of "
			"this container is reached, or 32 of them are nested");
		return error_hint(
			err, "outside: sudo sysctl -w user.max_user_namespaces=%d", ENOUGH);
	}
	error_set(err, ERROR_UNSUPPORTED,
		"no more are allowed: user.max_user_namespaces is %" PRId64, refusal->most);
	return error_hint(err, "sudo sysctl -w user.max_user_namespaces=%" PRId64,
		refusal->most < ENOUGH ? ENOUGH : 2 * refusal->most);
}

static int judge_filter(const struct refusal *refusal, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED,
		"the seccomp filter that isorun was started under refuses it");
	if (!refusal->refused)
		return error_hint(err, "in a systemd unit: RestrictNamespaces=no");
	return error_hint(err, "docker run --security-opt seccomp=unconfined --security-opt "
			       "apparmor=unconfined --security-opt systempaths=unconfined …");
}

bool refusal_is_restricted(const struct refusal *refusal)
{
	return refusal->apparmor > 0 && !refusal->privileged &&
	       (!*refusal->label || strcmp(refusal->label, "unconfined") == 0 ||
		       strncmp(refusal->label, "unprivileged_userns", 19) == 0);
}

static int judge_module(const struct refusal *refusal, struct error *err)
{
	if (*refusal->label && !strstr(refusal->label, "unconfined"))
		error_set(
			err, ERROR_UNSUPPORTED, "AppArmor's profile %s refuses it", refusal->label);
	else
		error_set(err, ERROR_UNSUPPORTED, "a security module refuses it");
	return error_hint(err, "sudo dmesg | grep -i denied shows the rule");
}

/* EPERM and EACCES. */
static int judge_permission(const struct refusal *refusal, int errnum, struct error *err)
{
	if (refusal->unprivileged_clone == 0 && !refusal->privileged) {
		error_set(err, ERROR_UNSUPPORTED,
			"only root may make one: "
			"kernel.unprivileged_userns_clone is 0");
		return error_hint(err, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
	}
	if (refusal->refused)
		return judge_filter(refusal, err);
	if (refusal_is_restricted(refusal)) {
		error_set(err, ERROR_UNSUPPORTED,
			"AppArmor leaves it no rights: "
			"kernel.apparmor_restrict_unprivileged_userns is 1");
		return error_hint(err,
			"install isorun's profile (sudo make install), or sudo sysctl "
			"-w kernel.apparmor_restrict_unprivileged_userns=0");
	}
	if (!refusal->mapped) {
		error_set(err, ERROR_UNSUPPORTED,
			"isorun's own user or group is mapped to none outside");
		return error_hint(err, "unshare --user --map-current-user");
	}
	if (refusal->filtered)
		return judge_filter(refusal, err);
	if (errnum == EACCES || (*refusal->label && !strstr(refusal->label, "unconfined")))
		return judge_module(refusal, err);
	error_set(err, ERROR_UNSUPPORTED,
		refusal->rooted ? "the kernel refuses it, as it does in a chroot"
				: "the kernel refuses it in a chroot");
	return error_hint(err, "enter the chroot with pivot_root(8) in a mount namespace");
}

static int judge(const struct refusal *refusal, int errnum, struct error *err)
{
	switch (errnum) {
	case EPERM:
	case EACCES:
		return judge_permission(refusal, errnum, err);
	case ENOSPC:
	case EUSERS: /* before Linux 4.9 */
		return judge_limit(refusal, err);
	case ENOSYS:
		if (refusal->filtered)
			return judge_filter(refusal, err);
		break;
	case EINVAL:
		break;
	default:
		return error_set(err, ERROR_FAILED, "%s", strerror(errnum));
	}
	if (refusal->built) {
		error_set(err, ERROR_UNSUPPORTED, "this kernel is too old for it");
		return error_hint(err, "isorun needs Linux 6.1 or newer");
	}
	error_set(err, ERROR_UNSUPPORTED, "this kernel has none (CONFIG_USER_NS)");
	return error_hint(err, "start a kernel with CONFIG_USER_NS=y");
}

int refusal_judge(const struct refusal *refusal, int errnum, struct error *err)
{
	(void)judge(refusal, errnum, err); /* -1 */
	err->errnum = errnum;
	return error_wrap(err, "user namespace");
}

int refusal_judge_root(const struct refusal *refusal, int errnum, struct error *err)
{
	if (errnum == EPERM && !refusal->refused && !refusal->privileged) {
		error_set(err, ERROR_UNSUPPORTED, "this root lacks CAP_SYS_ADMIN");
		(void)error_hint(err, "run isorun as an ordinary user, who needs no capability, or "
				      "docker run --cap-add SYS_ADMIN …"); /* -1 */
	} else {
		(void)judge(refusal, errnum, err); /* -1 */
	}
	err->errnum = errnum;
	return error_wrap(err, "mount namespace");
}

/* What this host is like, for the calling process. */
static struct refusal look(void)
{
	CLEANUP_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct refusal refusal;

	refusal_read(root, &refusal);
	/* An unshare of nothing changes nothing, and the kernel itself never refuses it. */
	refusal.refused = refusal.filtered && unshare(0) < 0;
	return refusal;
}

int refusal_explain(int errnum, struct error *err)
{
	const struct refusal refusal = look();

	return refusal_judge(&refusal, errnum, err);
}

int refusal_explain_root(int errnum, struct error *err)
{
	const struct refusal refusal = look();

	return refusal_judge_root(&refusal, errnum, err);
}
