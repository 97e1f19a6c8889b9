/* The spec's memory, and the defaults that every process gets. What the fields mean is in the
 * header; who fills the rest: model/release for a release, model/ociconfig for a config.json. */
#include "model/spec.h"

#include "base/memory.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, TMP_MIB = 64, SHM_MIB = 64, RUN_MIB = 16, BYTES_PER_INODE = 4096 };

struct spec_mount *spec_add_mount(struct spec *spec, const char *type, const char *source,
	const char *target, uint64_t attributes)
{
	struct spec_mount *mount;

	spec->mounts = memory_resize(spec->mounts, spec->mount_count + 1, sizeof *spec->mounts);
	mount = &spec->mounts[spec->mount_count++];
	*mount = (struct spec_mount){
		.type = memory_copy_str(type),
		.source = memory_copy_str(source),
		.target = memory_copy_str(target),
		.attributes = attributes,
	};
	return mount;
}

void spec_add_rlimit(struct spec *spec, int resource, uint64_t soft, uint64_t hard)
{
	spec->rlimits = memory_resize(spec->rlimits, spec->rlimit_count + 1, sizeof *spec->rlimits);
	spec->rlimits[spec->rlimit_count++] = (struct spec_rlimit){ resource, soft, hard };
}

const char *spec_rlimit_name(int resource)
{
	static const char *const names[RLIMIT_NLIMITS] = {
		[RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_CORE] = "RLIMIT_CORE",
		[RLIMIT_CPU] = "RLIMIT_CPU",
		[RLIMIT_DATA] = "RLIMIT_DATA",
		[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
		[RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",
		[RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
		[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
		[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_STACK] = "RLIMIT_STACK",
	};

	return resource >= 0 && resource < RLIMIT_NLIMITS ? names[resource] : NULL;
}

static void add_map(struct spec_id_map **maps, size_t *count, struct spec_id_map map)
{
	*maps = memory_resize(*maps, *count + 1, sizeof **maps);
	(*maps)[(*count)++] = map;
}

void spec_add_uid_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count)
{
	add_map(&spec->uid_maps, &spec->uid_map_count,
		(struct spec_id_map){ inside, outside, count });
}

void spec_add_gid_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count)
{
	add_map(&spec->gid_maps, &spec->gid_map_count,
		(struct spec_id_map){ inside, outside, count });
}

void spec_add_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count)
{
	spec_add_uid_map(spec, inside, outside, count);
	spec_add_gid_map(spec, inside, outside, count);
}

void spec_add_ids(struct spec *spec, const struct spec_ids *ids)
{
	spec->keep_groups = ids->own;
	spec_add_uid_map(spec, ids->own ? spec->uid : 0, ids->uid, ids->own ? 1 : SPEC_IDS);
	spec_add_gid_map(spec, ids->own ? spec->gid : 0, ids->gid, ids->own ? 1 : SPEC_IDS);
}

/* A tmpfs that can be filled neither with bytes nor with empty files: one inode for every page. */
static struct spec_mount *add_tmpfs(
	struct spec *spec, const char *target, uint64_t bytes, uint64_t attributes)
{
	struct spec_mount *mount = spec_add_mount(
		spec, "tmpfs", NULL, target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);

	strv_addf(&mount->options, "size=%" PRIu64, bytes);
	strv_addf(&mount->options, "nr_inodes=%" PRIu64, bytes / BYTES_PER_INODE + 64);
	return mount;
}

static void add_system_mounts(struct spec *spec)
{
	const uint64_t closed = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct spec_mount *mount;

	spec_add_mount(spec, "proc", NULL, "/proc", closed);
	mount = add_tmpfs(spec, "/sys", MIB, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	strv_add(&mount->options, "mode=755");
	spec_add_mount(spec, "cgroup2", NULL, "/sys/fs/cgroup", closed | MOUNT_ATTR_RDONLY);
	mount = add_tmpfs(spec, "/dev", MIB, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	strv_add(&mount->options, "mode=755");
	if (!spec->terminal)
		return;
	/* No gid=5: where only one id is mapped there is no such group, and nobody needs it. */
	mount = spec_add_mount(
		spec, "devpts", NULL, "/dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	strv_add(&mount->options, "mode=600");
	strv_add(&mount->options, "ptmxmode=666");
}

static void add_scratch_mounts(struct spec *spec, uint64_t tmp_bytes, bool tmp_exec)
{
	struct spec_mount *mount;

	mount = add_tmpfs(
		spec, "/dev/shm", (uint64_t)SHM_MIB * MIB, tmp_exec ? 0 : MOUNT_ATTR_NOEXEC);
	strv_add(&mount->options, "mode=1777");
	mount = add_tmpfs(spec, "/tmp", tmp_bytes ? tmp_bytes : (uint64_t)TMP_MIB * MIB,
		tmp_exec ? 0 : MOUNT_ATTR_NOEXEC);
	strv_add(&mount->options, "mode=1777");
	mount = add_tmpfs(spec, "/run", (uint64_t)RUN_MIB * MIB, tmp_exec ? 0 : MOUNT_ATTR_NOEXEC);
	strv_add(&mount->options, "mode=755");
	strv_addf(&mount->options, "uid=%" PRIu32, spec->uid);
	strv_addf(&mount->options, "gid=%" PRIu32, spec->gid);
}

void spec_add_defaults(struct spec *spec, uint64_t tmp_bytes, bool tmp_exec)
{
	static const char *const masked[] = { "acpi", "asound", "interrupts", "kcore", "keys",
		"latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats" };
	static const char *const readonly[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };

	spec->namespaces |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			    CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWUSER;
	add_system_mounts(spec);
	add_scratch_mounts(spec, tmp_bytes, tmp_exec);
	spec->default_devices = true;
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
		strv_addf(&spec->masked, "/proc/%s", masked[i]);
	for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++)
		strv_addf(&spec->readonly, "/proc/%s", readonly[i]);
	spec_add_rlimit(spec, RLIMIT_CORE, 0, 0);
	spec->no_new_privs = true;
	spec->filter = SPEC_FILTER_DEFAULT;
}

void spec_done(struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++) {
		free(spec->mounts[i].type);
		free(spec->mounts[i].source);
		free(spec->mounts[i].target);
		strv_done(&spec->mounts[i].options);
	}
	free(spec->mounts);
	free(spec->hostname);
	free(spec->uid_maps);
	free(spec->gid_maps);
	strv_done(&spec->masked);
	strv_done(&spec->readonly);
	strv_done(&spec->argv);
	strv_done(&spec->env);
	free(spec->cwd);
	free(spec->groups);
	strv_done(&spec->filter_allow);
	free(spec->rlimits);
	*spec = (struct spec){ 0 };
}
