/* Copying standard streams. A copier is a process, because a stream that blocks (a terminal that
 * was stopped, a full disk on a network) must hold up nothing else, and signals that end the
 * command come from the same keyboard: it ignores them and ends with its stream, or with isorun. It
 * stops with isorun's job, or it would read what is typed for the shell. */
#include "container/streams.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

/* What a process must not hold itself. */
static bool is_precious(int fd, bool own)
{
	struct stat status;

	if (!own)
		return isatty(fd);
	if (fstat(fd, &status) < 0 || S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
		S_ISDIR(status.st_mode)) /* which the launch refuses */
		return false;
	return !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3);
}

static _Noreturn void copy(int from, int to)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGTTIN,
		SIGTTOU };
	int keep[2] = { from < to ? from : to, from < to ? to : from };
	char chunk[CHUNK];
	struct error err;
	ssize_t got;

	process_rename("isorun:[stream]");
	process_reset_signals();
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		(void)signal(ignored[i], SIG_IGN); /* valid numbers: cannot fail */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);    /* cannot fail with a valid signal */
	if (process_close_others(keep, 2, &err) < 0)
		_exit(1);
	/* In the background a terminal cannot be read, and says EIO: that is the end, too. */
	while ((got = read(from, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0 && file_write_all(to, chunk, (size_t)got, &err) < 0)
			_exit(err.errnum);
	_exit(0);
}

static bool is_same(int one, int other)
{
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

struct user {
	bool own; /* the caller: what we make is its own already */
	uid_t uid;
	gid_t gid;
};

static int open_copied(
	int given, int which, const struct user *user, struct streams *streams, struct error *err)
{
	const int far = which == 0; /* the process reads its input, and writes the others */
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "standard stream %d", which);
	streams->fds[which] = ends[!far];
	streams->piped[which] = true;
	if (!user->own && fchown(ends[far], user->uid, user->gid) < 0) {
		error_errno(err, "standard stream %d", which);
		(void)close(ends[far]); /* nothing is in it */
		return -1;
	}
	pid = process_clone(0, -1, &streams->copiers[which], err);
	if (pid == 0)
		copy(far ? given : ends[0], far ? ends[1] : given);
	(void)close(ends[far]); /* the copier's */
	return pid < 0 ? error_wrap(err, "standard stream %d", which) : 0;
}

int streams_open(const int given[3], const struct spec_ids *ids, uint32_t uid, uint32_t gid,
	struct streams *ret, struct error *err)
{
	const struct user user = { ids->own, ids->uid + uid, ids->gid + gid };

	for (int i = 0; i < 3; i++) {
		if (given[i] < 0 || !is_precious(given[i], ids->own))
			ret->fds[i] = given[i];
		else if (i == 2 && ret->piped[1] && is_same(given[1], given[2]))
			ret->fds[2] = ret->fds[1];
		else if (open_copied(given[i], i, &user, ret, err) < 0)
			return -1;
	}
	return 0;
}

void streams_started(struct streams *streams)
{
	for (int i = 0; i < 3; i++) {
		if (streams->piped[i])
			(void)close(streams->fds[i]); /* the process has its own */
		streams->piped[i] = false;
		streams->fds[i] = -1;
	}
}

/* What a copier of output says by its end. */
static int judge(int which, int status, struct error *err)
{
	const char *name = which == 1 ? "standard output" : "standard error";

	if (WIFSIGNALED(status))
		return error_set(err, ERROR_FAILED, "%s: its copier was killed", name);
	errno = WEXITSTATUS(status);
	return errno ? error_errno(err, "%s", name) : 0;
}

int streams_done(struct streams *streams, struct error *err)
{
	struct error ignored;
	int status, result = 0;

	streams_started(streams);
	for (int i = 0; i < 3; i++) {
		if (streams->copiers[i] < 0)
			continue;
		if (i == 0) /* it may wait for a key for ever */
			(void)pidfd_send_signal(
				streams->copiers[i], SIGKILL, NULL, 0); /* or it is dead */
		if (process_wait(streams->copiers[i], &status, &ignored) == 0 && i > 0 &&
			judge(i, status, err) < 0) /* input that was not wanted is no failure */
			result = -1;
		cleanup_close(&streams->copiers[i]);
	}
	*streams = STREAMS_NONE;
	return result;
}
