/* One container's life, from parts that know nothing of each other: cgroup, root, filter, sandbox.
 *
 * The order matters: the cgroup is there before the clone, which is born in it; the network is
 * joined while the child waits, so that nothing of it ever ran without its rules; the filter is
 * read before the clone, for the child has no heap.
 *
 * Deliberately absent: restarts and log lines (supervisor), and any state on disk. What outlives a
 * killed isorun is an empty cgroup directory, which the next run sweeps. */
#include "container/container.h"

#include "base/cleanup.h"
#include "container/filters.h"
#include "kernel/root.h"

#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

int container_site_open(
	const struct container_site_config *config, struct container_site *ret, struct error *err)
{
	const struct root_ids ids = { config->id_base, CONTAINER_IDS };
	struct container_site site = CONTAINER_SITE_NONE;

	site.filters = config->filters;
	if (cgroup_run_open(config->name, &site.cgroup, err) < 0)
		return error_wrap(err, "cgroup of this run");
	if (root_enter_private(err) == 0)
		site.root = root_prepare(config->layers, &ids, config->scratch, err);
	if (site.root < 0) {
		container_site_done(&site);
		return error_wrap(err, "root file system");
	}
	*ret = site;
	return 0;
}

void container_site_done(struct container_site *site)
{
	cleanup_close(&site->root);
	site->root = -1;
	if (site->cgroup.dir >= 0)
		cgroup_run_done(&site->cgroup);
	site->cgroup.dir = -1;
}

static int open_cgroup(const struct container_site *site, const struct container_launch *launch,
	struct container *container, struct error *err)
{
	const struct cgroup_limits limits = {
		.memory = launch->spec->limits.memory,
		.cpu_milli = launch->spec->limits.cpu_milli,
		.pids = launch->spec->limits.pids,
	};

	if (cgroup_open(&site->cgroup, launch->name, &limits, &container->cgroup, err) < 0)
		return error_wrap(err, "cgroup");
	container->has_cgroup = true;
	return 0;
}

/* Without a pids controller the limit holds by RLIMIT_NPROC, if all processes of the container are
 * one user's and stay it, in a user namespace of their own: that is counted alone. */
static uint32_t limit_tasks(const struct spec *spec, struct cgroup *cgroup)
{
	if (!(cgroup->missing & CGROUP_PIDS) || !(spec->namespaces & CLONE_NEWUSER) ||
		spec->capabilities.bounding || !spec->no_new_privs)
		return 0;
	cgroup->missing &= ~(unsigned)CGROUP_PIDS;
	return spec->limits.pids;
}

static void set_size(int console, const struct container_launch *launch)
{
	struct winsize size = { .ws_row = launch->rows, .ws_col = launch->columns };

	if (console >= 0 && launch->rows > 0)
		(void)ioctl(console, TIOCSWINSZ, &size); /* a size is a courtesy */
}

static int run_stages(const struct container_launch *launch, const struct sandbox_parts *parts,
	struct sandbox *sandbox, struct error *err)
{
	if (sandbox_create(launch->spec, parts, sandbox, err) < 0)
		return -1;
	if (launch->network && launch->network(launch->context, sandbox->network, err) < 0)
		return error_wrap(err, "network");
	if (sandbox_setup(sandbox, err) < 0)
		return -1;
	set_size(sandbox->console, launch);
	return sandbox_start(sandbox, err);
}

int container_start(const struct container_site *site, const struct container_launch *launch,
	struct container *ret, struct error *err)
{
	CLEANUP_BUF struct buf filter = { 0 };
	CLEANUP_CLOSE int root = root_clone(site->root, false, err);
	struct container container = CONTAINER_NONE;
	struct sandbox_parts parts = { .root = root, .filter = &filter };

	if (root < 0)
		return error_wrap(err, "root file system");
	if (launch->spec->filter == SPEC_FILTER_DEFAULT &&
		filters_load(site->filters, &launch->spec->filter_allow, &filter, err) < 0)
		return -1;
	if (open_cgroup(site, launch, &container, err) < 0)
		return -1;
	parts.cgroup = container.cgroup.dir;
	parts.tasks = limit_tasks(launch->spec, &container.cgroup);
	memcpy(parts.stdio, launch->stdio, sizeof parts.stdio);
	if (run_stages(launch, &parts, &container.sandbox, err) < 0) {
		container_done(site, &container);
		return -1;
	}
	/* Joined, it is of no more use, and a formation has many. */
	cleanup_close(&container.sandbox.network);
	container.sandbox.network = -1;
	*ret = container;
	return 0;
}

int container_signal(const struct container *container, int signo, struct error *err)
{
	return sandbox_signal(&container->sandbox, signo, err);
}

int container_kill(const struct container *container, struct error *err)
{
	return cgroup_kill(&container->cgroup, err);
}

int container_wait(struct container *container, struct container_end *ret, struct error *err)
{
	struct cgroup_events events = { 0 };
	struct error ignored;
	int status;

	if (sandbox_wait(&container->sandbox, &status, err) < 0)
		return -1;
	(void)cgroup_read_events(&container->cgroup, &events, &ignored); /* then it was no oom */
	ret->status = status;
	ret->oom = events.oom_kill > 0;
	return 0;
}

void container_done(const struct container_site *site, struct container *container)
{
	sandbox_done(&container->sandbox);
	if (container->has_cgroup)
		cgroup_done(&site->cgroup, &container->cgroup);
	*container = CONTAINER_NONE;
}
