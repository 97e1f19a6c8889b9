/* pid 1 of a container: it reaps what nobody else reaps, passes signals on to the main process, and
 * when that ends, says how and ends too, upon which the kernel kills the rest of the namespace.
 *
 * It never executes anything, so what execve(2) would do for it, it does by hand: it lets go of
 * every descriptor (else the launch protocol's end of file never comes, and a pipe that the main
 * process closes stays open) and of its capabilities. It runs under the same filter and as the same
 * user as the main process, which is what lets it send signals, and cannot be looked into by it,
 * being not dumpable. Signals are blocked for good and taken one by one: no handler, no race. */
#include "base/cleanup.h"
#include "kernel/capset.h"
#include "kernel/process.h"
#include "launch.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reaps all that is dead; true once that was the main process, whose status is then in *ret. */
static bool reap(pid_t main_pid, int *ret)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != main_pid)
			continue;
		*ret = status;
		return true;
	}
	return false;
}

static void forward(const struct launch *launch, pid_t main_pid, int signo)
{
	/* The group exists once the main process leads its session; until then there is only it. */
	if (launch->spec->stop_group && kill(-main_pid, signo) == 0)
		return;
	(void)kill(main_pid, signo); /* not reaped yet, so it is the right one, if maybe dead */
}

static _Noreturn void run(struct launch *launch, pid_t main_pid)
{
	struct error ignored;
	sigset_t all;
	int status;

	process_rename("isorun:[init]");
	if (capset_apply(&(struct capset){ 0 }, &ignored) < 0 ||
		process_close_others(&launch->report, 1, &ignored) < 0)
		_exit(1);       /* cannot happen: it only gives away */
	(void)sigfillset(&all); /* cannot fail */
	for (;;) {
		int signo = sigwaitinfo(&all, NULL);

		if (signo == SIGCHLD && reap(main_pid, &status))
			break;
		if (signo > 0 && signo != SIGCHLD)
			forward(launch, main_pid, signo);
	}
	(void)!write(launch->report, &status, sizeof status); /* isorun is dead, then */
	_exit(0);
}

int init_fork(struct launch *launch, struct error *err)
{
	sigset_t all;
	pid_t pid;

	/* Before the fork, once for both: loading it costs the kernel more than all the rest of a
	 * confinement, and isorun's own filter allows the little that the main process still does.
	 */
	if (confine_filter(launch, err) < 0)
		return error_wrap(err, "seccomp filter");
	/* Before the fork as well: the end of a quick child must not be missed. */
	(void)sigfillset(&all);                     /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &all, NULL); /* cannot fail with these arguments */
	(void)signal(SIGCHLD, SIG_DFL);             /* ignored, the dead would leave no status */
	pid = _Fork();                              /* clone3(2) is refused by the filter */
	if (pid < 0)
		return error_errno(err, "fork of pid 1");
	if (pid > 0)
		run(launch, pid);
	cleanup_close(&launch->report); /* only pid 1 reports */
	launch->report = -1;
	return 0;
}
