/* The build command in isorun's own sandbox: the same user namespace, filter, capabilities and
 * read-only root as an instance has, but /app is writable and /tmp is larger and may execute. It
 * gets no network at all, or, where the manifest says "network": true, the host's: a build that
 * downloads must reach what the host reaches, so it gets the caller's proxies and mirrors and the
 * host's certificates, too. They say where things come from; what comes, the app's own lock file
 * says. Nothing of the caller's home: an .npmrc counts where the codebase has it.
 *
 * All of it is done by a child, because who makes a container enters namespaces that there is no
 * way back from, and after a build there may be a run.
 *
 * Here and not below, because only cli sees both the build and the container. */
#include "buildbox.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "container/attach.h"
#include "container/container.h"
#include "container/streams.h"
#include "kernel/userns.h"
#include "model/spec.h"
#include "supervisor/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { USER = 1000, PIDS = 4096 };

#define TMP_BYTES         (UINT64_C(1) << 30)
#define HOST_DNS          "/etc/resolv.conf"
#define HOST_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define CERTIFICATES      "/run/certificates.crt" /* in memory: no root need have a place for it */

/* Gives dir and all below it to the command's user. */
static int give_away(int dir, struct error *err)
{
	const uid_t owner = IDS_FIRST + USER;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list || fchown(dir, owner, owner) < 0)
		return error_errno(err, "give /app to the command");
	while ((entry = readdir(list))) {
		CLEANUP_CLOSE int child = -1;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fchownat(dir, entry->d_name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "give /app/%s to the command", entry->d_name);
		child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0 && give_away(child, err) < 0)
			return -1;
	}
	return 0;
}

static void fill_env(const struct build_command *command, struct strv *env)
{
	strv_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(env, "HOME=/tmp"); /* caches are no part of the app */
	strv_add(env, "LANG=C.UTF-8");
	strv_add(env, "TMPDIR=/tmp");
	strv_addf(env, "SOURCE_DATE_EPOCH=%lld", (long long)command->date);
}

/* The host's certificates, as its own programs find them; NULL: it has none. */
static const char *host_certificates(void)
{
	const char *path = getenv("SSL_CERT_FILE");

	if (!path || *path != '/')
		path = HOST_CERTIFICATES;
	return access(path, R_OK) == 0 ? path : NULL;
}

/* Where to download from. */
static void add_network(struct spec *spec)
{
	static const char *const passed[] = { "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
		"HTTPS_PROXY", "NO_PROXY", "npm_config_registry", "NPM_CONFIG_REGISTRY",
		"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", NULL };
	static const char *const readers[] = { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT",
		NULL };
	const uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY;
	const char *certificates = host_certificates();

	spec->namespaces &= ~(unsigned long long)CLONE_NEWNET;
	if (access(HOST_DNS, R_OK) == 0)
		spec_add_mount(spec, "bind", HOST_DNS, HOST_DNS, attributes);
	for (const char *const *name = passed; *name; name++)
		if (getenv(*name))
			strv_addf(&spec->env, "%s=%s", *name, getenv(*name));
	if (!certificates)
		return;
	spec_add_mount(spec, "bind", certificates, CERTIFICATES, attributes);
	for (const char *const *name = readers; *name; name++)
		strv_addf(&spec->env, "%s=%s", *name, CERTIFICATES);
}

static void fill_spec(
	const struct build_command *command, const struct spec_ids *ids, struct spec *ret)
{
	*ret = (struct spec){
		.hostname = memory_copy_str("build"),
		.cwd = memory_copy_str("/app"),
		.uid = USER,
		.gid = USER,
		.umask = 022,
		.init = true,
		.no_new_privs = true,
		.filter = SPEC_FILTER_DEFAULT,
		.limits.pids = PIDS,
	};
	spec_add_ids(ret, ids);
	spec_add_defaults(ret, TMP_BYTES, true);
	spec_add_mount(ret, "bind", command->app, "/app", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	spec_add_rlimit(ret, RLIMIT_CORE, 0, 0);
	strv_add_all(&ret->argv, command->argv);
	fill_env(command, &ret->env);
	if (command->network)
		add_network(ret);
}

static int judge(const struct container_end *end, struct error *err)
{
	if (end->oom)
		return error_set(err, ERROR_FAILED, "killed for its memory limit");
	if (WIFSIGNALED(end->status))
		return error_set(
			err, ERROR_FAILED, "killed by SIG%s", sigabbrev_np(WTERMSIG(end->status)));
	if (WEXITSTATUS(end->status))
		return error_set(err, ERROR_FAILED, "exit status %d", WEXITSTATUS(end->status));
	return 0;
}

/* Signals that isorun gets are the command's, as in a one-off. */
static int attend(struct attach *attach, struct container *container, struct error *err)
{
	struct container_end end;

	if (attach_run(attach, container, err) < 0 || container_wait(container, &end, err) < 0)
		return -1;
	return judge(&end, err);
}

static int run_in(
	const struct container_site *site, const struct build_command *command, struct error *err)
{
	CLEANUP_CLOSE int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct container container = CONTAINER_NONE;
	struct attach attach = { .signals = -1 };
	struct spec spec;
	struct streams streams = STREAMS_NONE;
	struct error lost;
	struct container_launch launch = { .name = "build", .spec = &spec };
	int status;

	if (nothing < 0)
		return error_errno(err, "/dev/null");
	fill_spec(command, &site->ids, &spec);
	status = streams_open((const int[3]){ nothing, -1, STDERR_FILENO }, &site->ids, USER, USER,
		&streams, err);
	launch.stdio[0] = streams.fds[0];
	launch.stdio[1] = launch.stdio[2] = streams.fds[2];
	if (status == 0)
		status = attach_begin(&attach, err);
	if (status == 0)
		status = container_start(site, &launch, &container, err);
	streams_started(&streams);
	if (status == 0)
		status = attend(&attach, &container, err);
	container_done(site, &container);
	if (streams_done(&streams, &lost) < 0 && status == 0) {
		*err = lost;
		status = -1;
	}
	attach_end(&attach);
	spec_done(&spec);
	return status;
}

static int run_at(
	const struct buildbox *box, const struct build_command *command, struct error *err)
{
	CLEANUP_FREE char *scratch = memory_format("%s/scratch", box->runtime_dir);
	CLEANUP_FREE char *name = memory_format("build-%d", (int)getpid());
	CLEANUP_CLOSE int scratch_fd = file_open_dir(AT_FDCWD, scratch, 0700, err);
	CLEANUP_CLOSE int filters = file_open_dir(box->store->dir, "filters", 0700, err);
	const struct spec_ids ids = container_ids(IDS_FIRST);
	const struct container_tree tree = {
		.layers = command->layers,
		.scratch = scratch,
		.filters = filters,
		.host_network = command->network,
	};
	struct container_site site = CONTAINER_SITE_NONE;
	int status;

	if (scratch_fd < 0 || filters < 0 || container_site_open(name, &ids, &site, err) < 0)
		return -1;
	status = container_site_enter(&site, &tree, err);
	if (status == 0)
		status = run_in(&site, command, err);
	container_site_done(&site);
	return status;
}

/* Passes on what was sent to isorun alone; what a terminal sends the child gets as well. */
static void pass_signal(int signals, pid_t child)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof info) == sizeof info && info.ssi_code <= 0)
		(void)kill(child, (int)info.ssi_signo); /* it may have ended */
}

/* Waits for the child's report: an error, or nothing where all went well. */
static int await(pid_t child, int report, int signals, struct error *err)
{
	struct pollfd fds[] = { { report, POLLIN, 0 }, { signals, POLLIN, 0 } };
	struct error told;
	ssize_t got;
	int status;

	do {
		if (poll(fds, 2, -1) > 0 && fds[1].revents)
			pass_signal(signals, child);
	} while (!fds[0].revents);
	got = read(report, &told, sizeof told); /* one write of a few hundred bytes is whole */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for the sandbox");
	if (got == sizeof told) {
		*err = told;
		return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(err, ERROR_FAILED, "its sandbox died");
	return 0;
}

/* In the child: never returns. */
static void report_run(
	const struct buildbox *box, const struct build_command *command, int report, pid_t parent)
{
	struct error err;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (run_at(box, command, &err) == 0)
		_exit(0);
	_exit(write(report, &err, sizeof err) == sizeof err ? 0 : 1);
}

static int run_in_child(const struct buildbox *box, const struct build_command *command,
	int signals, struct error *err)
{
	CLEANUP_CLOSE int reader = -1;
	CLEANUP_CLOSE int writer = -1;
	pid_t parent = getpid(), child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "sandbox");
	reader = ends[0];
	writer = ends[1];
	child = fork();
	if (child < 0)
		return error_errno(err, "sandbox");
	if (child == 0)
		report_run(box, command, writer, parent);
	cleanup_close(&writer);
	writer = -1;
	return await(child, reader, signals, err);
}

int buildbox_run(void *context, const struct build_command *command, struct error *err)
{
	CLEANUP_CLOSE int app = open(command->app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct attach attach = { .signals = -1 };
	sigset_t before;
	int status;

	if (app < 0)
		return error_errno(err, "%s", command->app);
	/* Who owns no other ids owns the copy already, and is the command's user. */
	if (userns_owns_ids() && give_away(app, err) < 0)
		return -1;
	(void)sigprocmask(SIG_BLOCK, NULL, &before); /* only asks */
	status = attach_begin(&attach, err);
	if (status == 0)
		status = run_in_child(context, command, attach.signals, err);
	attach_end(&attach);
	(void)sigprocmask(SIG_SETMASK, &before, NULL); /* cannot fail with a mask it gave */
	return status;
}

static void tell(void *context, const char *line)
{
	(void)context; /* a callback's signature */
	cli_warn("%s", line);
}

void buildbox_serve(struct buildbox *box, struct build_options *options)
{
	options->progress = cli_progress;
	options->notice = tell;
	options->command = buildbox_run;
	options->context = box;
}
