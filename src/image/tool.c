/* Running git, apt and dpkg-deb. Standard error goes to a memory file, so that a tool that
 * complains at length cannot block on a pipe nobody reads, and its last word can be quoted. A tool
 * dies with isorun (PR_SET_PDEATHSIG), so that a killed build leaves no download running.
 *
 * Deliberately absent: shells, and anything of the caller's environment that could redirect a tool
 * (GIT_DIR, LD_PRELOAD, APT_CONFIG). */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { OUTPUT_MAX = 256 << 20, MESSAGES_MAX = 1 << 20 };

void tool_env(struct strv *ret)
{
	static const char *const passed[] = { "PATH", "HOME", "SUDO_UID", "http_proxy",
		"https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", NULL };

	for (const char *const *name = passed; *name; name++) {
		const char *value = getenv(*name);

		if (value)
			strv_addf(ret, "%s=%s", *name, value);
	}
	if (!strv_env_get(ret, "PATH"))
		strv_add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(ret, "LC_ALL=C");
	strv_add(ret, "TZ=UTC");
}

/* In the child: mounts bind_from over bind_to in a mount namespace of the child's own. */
static int bind(const struct tool *tool)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount(tool->bind_from, tool->bind_to, NULL, MS_BIND, NULL);
}

/* In the child: never returns. */
static void become(const struct tool *tool, int out, int messages, pid_t parent)
{
	int in = tool->in;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(TOOL_NOT_THERE);
	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(messages, 2) < 0)
		_exit(TOOL_NOT_THERE);
	if (tool->bind_from && bind(tool) < 0)
		_exit(TOOL_NO_NAMESPACE);
	if (tool->dir < 0 || fchdir(tool->dir) == 0)
		(void)execvpe(tool->argv->items[0], tool->argv->items, tool->env->items);
	(void)dprintf(2, "%s\n", strerror(errno)); /* the exit status tells without it */
	_exit(TOOL_NOT_THERE);
}

int tool_start(const struct tool *tool, struct tool_process *ret, struct error *err)
{
	CLEANUP_CLOSE int messages = memfd_create("messages", MFD_CLOEXEC);
	CLEANUP_CLOSE int reader = -1;
	CLEANUP_CLOSE int writer = -1;
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	if (messages < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "%s", tool->argv->items[0]);
	reader = ends[0];
	writer = ends[1];
	pid = fork();
	if (pid < 0)
		return error_errno(err, "%s", tool->argv->items[0]);
	if (pid == 0)
		become(tool, writer, messages, parent);
	ret->pid = pid;
	ret->out = steal_fd(&reader);
	ret->messages = steal_fd(&messages);
	ret->name = tool->argv->items[0];
	return 0;
}

/* The last line that is not empty; but apt's first "E: " or git's first "fatal: " line, which the
 * others only explain. */
static const char *last_complaint(char *text)
{
	const char *found = "";
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "E: ", 3) == 0)
			return line + 3;
		if (strncmp(line, "fatal: ", 7) == 0)
			return line + 7;
		found = line;
	}
	return found;
}

static int complain(const struct tool_process *process, int status, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;
	const char *last;

	buf_reserve(&text, 0);
	if (lseek(process->messages, 0, SEEK_SET) == 0)
		(void)file_read_all(process->messages, MESSAGES_MAX, &text, &ignored);
	/* without its words the status must do */
	last = last_complaint(text.data);
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_FAILED, "%s: killed by signal %d", process->name,
			WTERMSIG(status));
	if (WEXITSTATUS(status) == TOOL_NOT_THERE)
		error_set(err, ERROR_UNSUPPORTED, "%s: %s", process->name,
			*last ? last : "not found");
	else if (*last)
		error_set(err, ERROR_FAILED, "%s: %s", process->name, last);
	else
		error_set(err, ERROR_FAILED, "%s: exit status %d", process->name,
			WEXITSTATUS(status));
	err->errnum = WEXITSTATUS(status);
	return -1;
}

int tool_finish(struct tool_process *process, struct error *err)
{
	CLEANUP_CLOSE int out = process->out;
	CLEANUP_CLOSE int messages = process->messages;
	int status;

	cleanup_close(&out); /* a tool that still writes gets SIGPIPE instead of waiting for ever */
	out = -1;
	while (waitpid(process->pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "%s", process->name);
	return status == 0 ? 0 : complain(process, status, err);
}

int tool_read(struct tool_process *process, struct buf *ret, struct error *err)
{
	struct error finish;

	if (file_read_all(process->out, OUTPUT_MAX, ret, err) == 0)
		return tool_finish(process, err);
	(void)tool_finish(process, &finish); /* the read's error is the one to tell */
	return error_wrap(err, "%s", process->name);
}

int tool_run(const struct tool *tool, struct buf *ret, struct error *err)
{
	CLEANUP_BUF struct buf dropped = { 0 };
	struct tool_process process;

	if (tool_start(tool, &process, err) < 0)
		return -1;
	return tool_read(&process, ret ? ret : &dropped, err);
}
