/* The seclusion of forwarder and gates. Both move the bytes of strangers, so that each has a root
 * without a file, a user id that nobody has, and only the capability that its work needs, which for
 * most is none. A filter of system calls is not among it: what is left to reach is little. */
#include "seclude.h"

#include "base/cleanup.h"
#include "kernel/capset.h"
#include "kernel/mount.h"
#include "kernel/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NOBODY = 0x69736f00, /* not 65534: others run as that, and could signal these processes */
	KEEP_MAX = 8,
};

void seclude_streams(void)
{
	for (int fd = open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0 && fd < 2;)
		fd = dup(fd);
}

int seclude_descriptors(const int *needed, size_t count, struct error *err)
{
	int keep[KEEP_MAX];
	size_t kept = 0;

	assert(count <= KEEP_MAX);
	for (size_t i = 0; i < count; i++)
		process_keep(keep, &kept, needed[i]);
	if (process_close_others(keep, kept, err) < 0)
		return -1;
	seclude_streams();
	return 0;
}

void seclude_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1,
		SIGUSR2 };

	process_reset_signals();
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)signal(signals[i], SIG_IGN); /* valid numbers: cannot fail */
}

void seclude_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections at once, then */
	}
}

int seclude_root(struct error *err)
{
	CLEANUP_CLOSE int root = -1, target = -1;

	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, "mount namespace");
	root = mount_new("tmpfs", NULL,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	target = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	if (target < 0)
		return error_errno(err, "/proc");
	if (mount_attach(root, target, err) < 0)
		return -1;
	return mount_enter(root, err);
}

/* Where this user has but its own ids there is nobody else to become. */
static int become_nobody(struct error *err)
{
	if (geteuid() != 0 || (setresgid(NOBODY, NOBODY, NOBODY) < 0 && errno == EINVAL))
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return error_errno(err, "user id");
	return 0;
}

/* PR_SET_PDEATHSIG comes last: a change of credentials clears it. A parent that died before it has
 * closed its end of the control socket, which ends these processes as well. */
int seclude_rights(uint64_t capabilities, struct error *err)
{
	const struct capset needed = { .permitted = capabilities, .effective = capabilities };

	if (capset_bound(0, err) < 0 || become_nobody(err) < 0 || capset_apply(&needed, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "no_new_privs");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "PR_SET_PDEATHSIG");
	return 0;
}

enum {
	LANDLOCK_VERSION = 1, /* a flag */
	LANDLOCK_PORTS = 4,   /* the version with them, Linux 6.7 */
	LANDLOCK_SCOPES = 6,  /* Linux 6.12 */
	LANDLOCK_RULE_PORT = 2,
	LANDLOCK_BIND = 1 << 0,
	LANDLOCK_CONNECT = 1 << 1,
	LANDLOCK_SCOPE_SOCKETS_SIGNALS = 3,
};

static int allow_ports(int ruleset, const uint16_t *ports, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct {
			uint64_t access, port;
		} rule = { LANDLOCK_CONNECT, ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PORT, &rule, 0) < 0)
			return error_errno(err, "Landlock");
	}
	return 0;
}

/* The numbers are the kernel's: the headers of older distributions have fewer. */
int seclude_ports(const uint16_t *ports, size_t count, struct error *err)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	const bool has_scopes = version >= LANDLOCK_SCOPES;
	const struct {
		uint64_t files, ports, scopes;
	} rules = { 0, LANDLOCK_BIND | (ports ? LANDLOCK_CONNECT : 0),
		has_scopes ? LANDLOCK_SCOPE_SOCKETS_SIGNALS : 0 };
	const size_t size = has_scopes ? sizeof rules : offsetof(typeof(rules), scopes);
	CLEANUP_CLOSE int ruleset = -1;

	if (version < LANDLOCK_PORTS)
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (ruleset < 0)
		return error_errno(err, "Landlock");
	if (allow_ports(ruleset, ports, count, err) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return error_errno(err, "Landlock");
	return 0;
}
