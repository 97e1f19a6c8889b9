/* Trials: fork(2), not clone3(2), for on a host that refuses the latter there is most to tell. The
 * result comes back as one record, shorter than what a pipe takes whole. */
#include "kernel/trial.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { SECONDS = 15 }; /* longer than what waits for systemd */

struct record {
	enum trial_result result;
	struct error err;
	char found[TRIAL_TEXT];
};

_Static_assert(sizeof(struct record) <= 4096, "a record is written whole: PIPE_BUF, pipe(7)");

static void try_it(trial_act *act, const void *context, int out)
{
	struct record record = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a valid signal */
	(void)alarm(SECONDS);
	record.result = act(context, record.found, &record.err);
	/* If the parent is gone nobody asks. */
	_exit(write(out, &record, sizeof record) == (ssize_t)sizeof record ? 0 : 1);
}

static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

enum trial_result trial_run(
	trial_act *act, const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int in = -1, out = -1;
	struct record record;
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return (enum trial_result)error_errno(err, "trial");
	in = ends[0];
	out = ends[1];
	pid = fork();
	if (pid == 0)
		try_it(act, context, out);
	if (pid < 0)
		return (enum trial_result)error_errno(err, "trial");
	(void)close(steal_fd(&out)); /* so that the child's end is the only one */
	do
		got = read(in, &record, sizeof record);
	while (got < 0 && errno == EINTR);
	status = reap(pid);
	if (got != (ssize_t)sizeof record) {
		error_set(err, ERROR_FAILED, "the attempt was ended by signal %d",
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		return TRIAL_FAILED;
	}
	memcpy(found, record.found, sizeof record.found);
	*err = record.err;
	return record.result;
}
