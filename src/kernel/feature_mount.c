/* Features around mounts, tried: in a mount namespace of the trial's own, so that the host sees
 * nothing of them. */
#include "kernel/feature.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/root.h"
#include "kernel/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { SOME_ID = 0x70000000, SOME_IDS = 65536 }; /* host ids that no user has */

enum trial_result feature_mounts(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int target = -1, mount = -1;

	(void)context;
	(void)found;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* in the namespace of now */
	mount = mount_new("tmpfs", NULL, MOUNT_ATTR_NOSUID, err);
	if (mount < 0 || mount_restrict(mount, MOUNT_ATTR_RDONLY, false, err) < 0 ||
		mount_attach(mount, target, err) < 0)
		return TRIAL_FAILED;
	return TRIAL_DONE;
}

static enum trial_result mount_proc(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	CLEANUP_CLOSE int mount = mount_new("proc", NULL, 0, err);

	(void)context;
	(void)found;
	return mount < 0 ? TRIAL_FAILED : TRIAL_DONE;
}

/* A user namespace gets a /proc only where its maker sees one that nothing covers: container
 * engines mask parts of theirs. */
enum trial_result feature_proc(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	(void)context;
	if (userns_enter_own(true, err) < 0)
		return TRIAL_FAILED;
	if (unshare(CLONE_NEWPID) < 0)
		return (enum trial_result)error_errno(err, "pid namespace");
	if (trial_run(mount_proc, NULL, found, err) == TRIAL_DONE)
		return TRIAL_DONE;
	if (err->errnum == EPERM) {
		error_set(err, ERROR_UNSUPPORTED, "refused while parts of this /proc are covered");
		error_hint(err, "docker run --security-opt systempaths=unconfined, podman run "
				"--security-opt unmask=ALL");
	}
	return TRIAL_FAILED;
}

static enum trial_result prepare(
	const struct feature_place *place, size_t layers, uint32_t ids, struct error *err)
{
	CLEANUP_STRV struct strv paths = { 0 };
	CLEANUP_CLOSE int root = -1;
	const struct root_plan plan = {
		.layers = &paths,
		.ids = { SOME_ID, ids },
		.scratch = place->scratch,
	};

	for (size_t i = 0; i < layers; i++)
		strv_add(&paths, place->layers[i]);
	root = root_prepare(&plan, err);
	return root < 0 ? TRIAL_FAILED : TRIAL_DONE;
}

enum trial_result feature_overlay(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	const bool is_root = userns_owns_ids();

	(void)found;
	if ((is_root ? root_enter_private(err) : userns_enter_own(true, err)) < 0)
		return TRIAL_FAILED;
	return prepare(context, 2, 0, err);
}

enum trial_result feature_idmap(const void *context, char found[TRIAL_TEXT], struct error *err)
{
	if (!userns_owns_ids()) {
		(void)snprintf(
			found, TRIAL_TEXT, "not needed: your own id is the app's"); /* fits */
		return TRIAL_DONE;
	}
	if (root_enter_private(err) < 0)
		return TRIAL_FAILED;
	return prepare(context, 1, SOME_IDS, err);
}
