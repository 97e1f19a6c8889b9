/* Processes: clone3(2) without glibc's fork handlers, because the child only makes system calls
 * until it executes something else, and the few things a copy of isorun must do to itself first. */
#include "kernel/process.h"

#include "kernel/refusal.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 1 << 21 }; /* the kernel gives arguments a quarter of 8 MiB of stack */

/* EACCES is the cgroup's; the other refusals are those of the user namespace. */
static int clone_failed(uint64_t flags, struct error *err)
{
	error_errno(err, "clone");
	if ((flags & CLONE_NEWUSER) &&
		(err->errnum == EPERM || err->errnum == ENOSPC || err->errnum == ENOSYS))
		return refusal_explain(err->errnum, err);
	if (err->errnum == EAGAIN)
		error_hint(err, "the limit of processes is reached (pids.max, ulimit -u)");
	return -1;
}

pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_CLEAR_SIGHAND | (ret_pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		return clone_failed(flags, err);
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

/* The kernel puts the strings of argv, those of the environment and the executable's name on top of
 * the stack, in this order without gaps; the last one's address is in the auxiliary vector. */
void process_rename(const char *name)
{
	char *start = program_invocation_name;
	char *end = (char *)getauxval(AT_EXECFN); /* NOLINT: an address by contract */
	size_t len = strlen(name);

	(void)prctl(PR_SET_NAME, name); /* cannot fail with a readable string */
	if (end <= start || end - start > ARGUMENTS_MAX || (size_t)(end - start) <= len)
		return; /* somebody moved program_invocation_name elsewhere */
	memset(start, 0, (size_t)(end - start));
	memcpy(start, name, len);
}

void process_keep(int *keep, size_t *count, int fd)
{
	size_t at = *count;

	if (fd < 0)
		return;
	for (; at > 0 && keep[at - 1] > fd; at--)
		keep[at] = keep[at - 1];
	keep[at] = fd;
	(*count)++;
}

int process_close_others(const int *keep, size_t count, struct error *err)
{
	unsigned first = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned kept = (unsigned)keep[i];

		if (kept > first && close_range(first, kept - 1, 0) < 0)
			return error_errno(err, "close descriptors");
		first = kept + 1;
	}
	if (close_range(first, ~0U, 0) < 0)
		return error_errno(err, "close descriptors");
	return 0;
}

void process_reset_signals(void)
{
	/* A kernel's struct sigaction of zeros: SIG_DFL. glibc would refuse for the two signals
	 * that it keeps to itself, which make(1), for one, leaves ignored to whatever it starts. */
	static const unsigned long defaults[4];
	sigset_t none;

	for (int signo = 1; signo <= SIGRTMAX; signo++)
		(void)syscall(SYS_rt_sigaction, signo, defaults, NULL,
			_NSIG / 8); /* fails for SIGKILL and SIGSTOP, which need none */
	(void)sigemptyset(&none);   /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
}

static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | 0x80;
	default:
		return info->si_status;
	}
}

int process_wait(int pidfd, int *ret, struct error *err)
{
	siginfo_t info = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for process");
	*ret = status_of(&info);
	return 0;
}
