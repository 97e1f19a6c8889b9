/* The run's cgroup directory and those of its instances.
 *
 *	base/                 a delegated scope or unit of systemd's, or isorun's own cgroup
 *	  supervisor/         isorun's processes; only where base is delegated
 *	  isorun.NAME.PID/    the run, locked; never holds a process itself
 *	    web.1/            one instance
 *
 * A cgroup that hands controllers to its children may hold no process itself, which is why a
 * delegated base is emptied into a leaf. In a base that is not ours, controllers are enabled where
 * the kernel lets us (the root cgroup, which may hold processes), and otherwise are missing: nobody
 * else's processes are moved.
 *
 * A directory cannot hang on a descriptor, so each run sweeps what dead ones left. Who is dead, the
 * lock tells, not a pid. Only empty directories go; what still holds a process is left alone.
 *
 * Deliberately absent: cgroup v1 and the machine's mounts, which stay as they are. */
#include "kernel/cgroup.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_plan.h"
#include "kernel/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PREFIX "isorun." /* names in a base that are ours alone */
#define LEAF   "supervisor"

enum {
	TEXT_MAX = 1 << 20, /* no file read here is longer, mountinfo included */
	DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
	WANTED = CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS,
	TRIES = 100,
};

static int open_cgroup2(const char *path)
{
	int fd = open(path, DIRECTORY);
	struct statfs status;

	if (fd >= 0 && (fstatfs(fd, &status) < 0 || status.f_type != CGROUP2_SUPER_MAGIC)) {
		(void)close(fd); /* another file system is mounted over it */
		return -1;
	}
	return fd;
}

static int read_proc(const char *name, struct buf *ret, struct error *err)
{
	return file_read_at(AT_FDCWD, name, TEXT_MAX, ret, err);
}

/* Opens the directory of the cgroup that this process is in; ret_path is below the mount. */
static int open_own(char *ret_path, size_t size, struct error *err)
{
	CLEANUP_BUF struct buf own = { 0 }, mounts = { 0 };
	CLEANUP_STRV struct strv places = { 0 };
	CLEANUP_FREE char *path = NULL;
	int fd = -1;

	if (read_proc("/proc/self/cgroup", &own, err) < 0 ||
		read_proc("/proc/self/mountinfo", &mounts, err) < 0)
		return -1;
	path = cgroup_plan_own(own.data);
	if (path)
		cgroup_plan_places(mounts.data, path, &places);
	for (size_t i = 0; i < places.len && fd < 0; i++)
		fd = open_cgroup2(places.items[i]);
	if (fd < 0) {
		error_set(err, ERROR_UNSUPPORTED, "cgroup: no cgroup2 mount shows this process");
		return error_hint(err, "mount cgroup2 at /sys/fs/cgroup");
	}
	(void)snprintf(ret_path, size, "%s", path); /* too long is cut: it is for messages */
	return fd;
}

/* Moves every process of base, among them this one, into a leaf of it. */
static int empty_into_leaf(int base, struct error *err)
{
	CLEANUP_CLOSE int leaf = file_open_dir(base, LEAF, 0755, err);

	if (leaf < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) { /* until nobody forked meanwhile */
		CLEANUP_BUF struct buf pids = { 0 };
		char *next, *pid;

		if (file_read_at(base, "cgroup.procs", TEXT_MAX, &pids, err) < 0)
			return -1;
		if (pids.len == 0)
			return 0;
		for (next = pids.data; (pid = strsep(&next, "\n")) && *pid;)
			if (file_set_at(leaf, "cgroup.procs", pid, err) < 0 && err->errnum != ESRCH)
				return -1;
	}
	return error_set(err, ERROR_FAILED, "cgroup: its processes fork faster than they move");
}

static unsigned read_controllers(int dir, const char *file)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored; /* unreadable is as good as none */

	if (file_read_at(dir, file, TEXT_MAX, &text, &ignored) < 0 || text.len == 0)
		return 0;
	return cgroup_plan_controllers(text.data);
}

/* Whether dir may hand controllers on: the root, which has no type, or one without processes. Any
 * other refuses memory, but takes cpu and pids, and so becomes a threaded domain, in whose children
 * no process can be born. */
static bool may_enable(int dir)
{
	CLEANUP_BUF struct buf pids = { 0 };
	struct error ignored; /* a threaded one does not tell its processes: then no */

	return faccessat(dir, "cgroup.type", F_OK, 0) < 0 ||
	       (file_read_at(dir, "cgroup.procs", TEXT_MAX, &pids, &ignored) == 0 && pids.len == 0);
}

/* Hands controllers to the children of dir, as many as the kernel lets us; returns which they have
 * then. */
static unsigned enable_controllers(int dir)
{
	unsigned enabled = read_controllers(dir, "cgroup.subtree_control");
	unsigned wanted = read_controllers(dir, "cgroup.controllers") & WANTED & ~enabled;
	struct error ignored; /* what stays disabled is reported as missing */
	char text[64];

	if (!wanted || !may_enable(dir))
		return enabled;
	cgroup_plan_enable(wanted, text);
	if (file_set_at(dir, "cgroup.subtree_control", text, &ignored) == 0)
		return enabled | wanted;
	/* One that cannot be had (cpu, with a realtime process about) must not cost the others. */
	for (unsigned bit = 1; bit <= CGROUP_IO; bit <<= 1) {
		cgroup_plan_enable(wanted & bit, text);
		if (*text && file_set_at(dir, "cgroup.subtree_control", text, &ignored) == 0)
			enabled |= bit;
	}
	return enabled;
}

/* Whether a cgroup is a unit's own directory. Its parent then is no unit of ours, even if
 * delegated: that is a user's service manager. */
static bool is_unit(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (strcmp(dot, ".scope") == 0 || strcmp(dot, ".service") == 0 ||
			      strcmp(dot, ".slice") == 0);
}

/* The directory that runs are made in. *ret_delegated: systemd handed it to us. */
static int open_base(
	const char *name, struct cgroup_run *run, bool *ret_delegated, struct error *err)
{
	CLEANUP_CLOSE int own = open_own(run->path, sizeof run->path, err);
	CLEANUP_CLOSE int parent = -1;

	*ret_delegated = false;
	if (own < 0 || !systemd_runs())
		return steal_fd(&own);
	*ret_delegated = true;
	if (systemd_has_delegated(own, run->path))
		return steal_fd(&own);
	/* Our parent process may have gone into a leaf already, or DelegateSubgroup= did it. */
	parent = is_unit(run->path) ? -1 : openat(own, "..", DIRECTORY);
	if (parent >= 0) {
		char *leaf = strrchr(run->path, '/');

		*leaf = '\0';
		if (systemd_has_delegated(parent, run->path))
			return steal_fd(&parent);
		*leaf = '/';
	}
	if (systemd_start_scope(name, err) == 0) {
		(void)close(own); /* reading only */
		own = open_own(run->path, sizeof run->path, err);
		return steal_fd(&own);
	}
	(void)snprintf(run->notice, sizeof run->notice, "%s", err->text); /* fits */
	(void)snprintf(run->hint, sizeof run->hint, "%s", err->hint);     /* likewise */
	*ret_delegated = false;
	return steal_fd(&own);
}

/* Whether name in base still is the directory dir. */
static bool is_still(int base, const char *name, int dir)
{
	struct stat there, here;

	return fstatat(base, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &here) == 0 &&
	       there.st_ino == here.st_ino;
}

/* Removes a run's directory, with the instances' beneath it, as far as they are empty. */
static void remove_run(int base, int dir, const char *name)
{
	int copy = openat(dir, ".", DIRECTORY);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			(void)unlinkat(dir, entry->d_name, AT_REMOVEDIR); /* in use: next time */
	(void)unlinkat(base, name, AT_REMOVEDIR);                         /* likewise */
}

static void sweep_one(int base, const char *name)
{
	CLEANUP_CLOSE int dir = openat(base, name, DIRECTORY);

	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0) /* else it is gone, or alive */
		remove_run(base, dir, name);
}

static void sweep(int base)
{
	int copy = openat(base, ".", DIRECTORY);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (entry->d_type == DT_DIR && strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
			sweep_one(base, entry->d_name);
}

/* Makes and locks the run's directory. A sweeper may take it from us between the two. */
static int make_run(struct cgroup_run *run, const char *name, struct error *err)
{
	for (int i = 0; i < TRIES; i++) { /* "%.0d" prints nothing for the first */
		CLEANUP_CLOSE int dir = -1;

		(void)snprintf(run->name, sizeof run->name, PREFIX "%.100s.%d%s%.0d", name,
			(int)getpid(), i ? "~" : "", i); /* fits: 100 and two numbers */
		if (mkdirat(run->base, run->name, 0755) < 0) {
			if (errno == EEXIST)
				continue; /* the namesake of another pid namespace, or swept next */
			return error_errno(err, "cgroup %s: make %s", run->path, run->name);
		}
		dir = openat(run->base, run->name, DIRECTORY);
		if (dir >= 0 && flock(dir, LOCK_EX) == 0 && is_still(run->base, run->name, dir)) {
			run->dir = steal_fd(&dir);
			return 0;
		}
	}
	return error_set(err, ERROR_FAILED, "cgroup %s: no directory could be made", run->path);
}

/* A cgroup that is somebody else's: why systemd gave none is the better reason. */
static int explain(const struct cgroup_run *run, struct error *err)
{
	if (err->errnum != EROFS && err->errnum != EACCES && err->errnum != EPERM)
		return -1;
	err->kind = ERROR_UNSUPPORTED;
	if (err->errnum == EROFS)
		return error_hint(err, "run isorun as an ordinary user, who goes without limits, "
				       "or mount -o remount,rw /sys/fs/cgroup");
	if (!*run->notice)
		return error_hint(err, "start isorun in a cgroup of its own, which belongs to you");
	error_set(err, ERROR_UNSUPPORTED, "%s", run->notice);
	return error_hint(err, "%s", run->hint);
}

int cgroup_run_open(const char *name, struct cgroup_run *ret, struct error *err)
{
	struct cgroup_run run = { .dir = -1 };
	CLEANUP_CLOSE int base = -1;
	bool delegated;
	size_t used;

	base = open_base(name, &run, &delegated, err);
	if (base < 0 || (delegated && empty_into_leaf(base, err) < 0))
		return -1;
	run.base = base;
	sweep(base);
	(void)enable_controllers(base); /* what could not be enabled shows in the run's own */
	if (make_run(&run, name, err) < 0)
		return explain(&run, err);
	used = strlen(run.path);
	(void)snprintf(run.path + used, sizeof run.path - used, "%s%s",
		used && run.path[used - 1] == '/' ? "" : "/", run.name); /* cut: for messages */
	run.controllers = enable_controllers(run.dir);
	*ret = run;
	(void)steal_fd(&base); /* it is in *ret */
	return 0;
}

static int write_limits(const struct cgroup *cgroup, const struct cgroup_write *writes,
	size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (file_set_at(cgroup->dir, writes[i].file, writes[i].text, err) < 0 &&
			!(writes[i].optional && err->errnum == ENOENT))
			return error_wrap(err, "cgroup %s", cgroup->name);
	return 0;
}

int cgroup_open(const struct cgroup_run *run, const char *name, const struct cgroup_limits *limits,
	struct cgroup *ret, struct error *err)
{
	struct cgroup_write writes[CGROUP_WRITES];
	struct cgroup made = { .dir = -1 };
	size_t count = cgroup_plan_limits(limits, run->controllers, writes, &made.missing);
	int result = -1;

	if (run->dir < 0) {
		*ret = made;
		return 0;
	}
	for (int i = 0; i < TRIES && result < 0; i++) {
		/* A predecessor that still dies keeps its name; this one gets another. */
		(void)snprintf(made.name, sizeof made.name, "%.100s%s%.0d", name, i ? "~" : "", i);
		(void)unlinkat(run->dir, made.name, AT_REMOVEDIR); /* usually absent */
		result = mkdirat(run->dir, made.name, 0755);
		if (result < 0 && errno != EEXIST)
			break;
	}
	if (result < 0)
		return error_errno(err, "cgroup %s", name);
	made.dir = openat(run->dir, made.name, DIRECTORY);
	if (made.dir < 0)
		return error_errno(err, "cgroup %s", name);
	if (write_limits(&made, writes, count, err) < 0) {
		cgroup_done(run, &made);
		return -1;
	}
	*ret = made;
	return 0;
}

int cgroup_kill(const struct cgroup *cgroup, struct error *err)
{
	if (file_set_at(cgroup->dir, "cgroup.kill", "1", err) < 0)
		return error_wrap(err, "cgroup %s", cgroup->name);
	return 0;
}

/* The number behind "key " at the start of a line; 0 where there is none. */
static uint64_t find_number(const struct buf *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text->data; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

int cgroup_read_events(const struct cgroup *cgroup, struct cgroup_events *ret, struct error *err)
{
	CLEANUP_BUF struct buf events = { 0 }, memory = { 0 };
	struct error absent; /* no memory controller */

	if (file_read_at(cgroup->dir, "cgroup.events", TEXT_MAX, &events, err) < 0)
		return error_wrap(err, "cgroup %s", cgroup->name);
	(void)file_read_at(cgroup->dir, "memory.events", TEXT_MAX, &memory, &absent);
	*ret = (struct cgroup_events){
		.oom_kill = find_number(&memory, "oom_kill"),
		.populated = find_number(&events, "populated") != 0,
	};
	return 0;
}

void cgroup_done(const struct cgroup_run *run, struct cgroup *cgroup)
{
	if (cgroup->dir < 0)
		return;
	(void)close(cgroup->dir); /* reading only */
	cgroup->dir = -1;
	(void)unlinkat(run->dir, cgroup->name, AT_REMOVEDIR); /* populated: for the sweep */
}

void cgroup_run_done(struct cgroup_run *run)
{
	if (run->dir < 0)
		return;
	remove_run(run->base, run->dir, run->name);
	(void)close(run->dir);  /* reading only; with it goes the lock */
	(void)close(run->base); /* likewise */
	run->dir = -1;
	run->base = -1;
}
