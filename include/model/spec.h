/* The launch spec: what a sandbox must know, and nothing else. Releases, OCI images and OCI
 * config.json files are all turned into one; the sandbox knows none of the three. Values only: what
 * is a descriptor (the root's mount, the cgroup, standard streams) is in sandbox/sandbox.h. */
#ifndef MODEL_SPEC_H
#define MODEL_SPEC_H

#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of /proc/PID/uid_map: user_namespaces(7). */
struct spec_id_map {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The host ids behind a process's own. */
struct spec_ids {
	bool own;          /* one user and one group, the caller's, stand for the process's */
	uint32_t uid, gid; /* those; else the first of SPEC_IDS host ids for 0 and up */
};

enum { SPEC_IDS = 65536 };

/* A mount inside the root, made in the order of the array after the root is there. A tmpfs that is
 * to be read-only becomes so after the last mount, so that targets below it can be made in it. */
struct spec_mount {
	char *type;   /* a file system ("proc", "tmpfs", "devpts", …), "bind" or "rbind" */
	char *source; /* bind: absolute path on the host; else ignored */
	char *target; /* absolute path in the root; made if the root (or a mount) is writable */
	uint64_t attributes; /* MOUNT_ATTR_* of mount_setattr(2) */
	struct strv options; /* "key=value" or "flag", for fsconfig(2) */
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

/* Bit N is capability N of capabilities(7). */
struct spec_capabilities {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};

struct spec_limits {
	uint64_t memory;    /* bytes; 0: no limit */
	uint32_t cpu_milli; /* thousandths of one processor; 0: no limit */
	uint32_t pids;      /* tasks; 0: no limit */
};

enum spec_filter {
	SPEC_FILTER_NONE,    /* an OCI config without seccomp */
	SPEC_FILTER_DEFAULT, /* isorun's own table (docs/seccomp.md) */
};

struct spec {
	char *hostname;                /* NULL: unchanged */
	unsigned long long namespaces; /* CLONE_NEW* of the new ones */
	struct spec_id_map *uid_maps, *gid_maps;
	size_t uid_map_count, gid_map_count;

	bool root_writable;
	bool default_devices; /* fill the tmpfs that one of mounts puts on /dev: null zero full
				 random urandom tty, fd stdin stdout stderr; where mounts has a
				 devpts on /dev/pts also ptmx, and console with terminal */
	struct spec_mount *mounts;
	size_t mount_count;
	struct strv masked;   /* absolute paths hidden behind nothing; absent ones are fine */
	struct strv readonly; /* absolute paths made read-only; absent ones are fine */

	struct strv argv; /* at least one; argv[0] without '/' is looked up in env's PATH */
	struct strv env;
	char *cwd; /* absolute, in the root */
	uint32_t uid, gid;
	uint32_t *groups; /* supplementary */
	size_t group_count;
	bool keep_groups; /* an ordinary user's namespace cannot change them: they stay */
	uint32_t umask;
	bool terminal;   /* a pseudoterminal of the devpts on /dev/pts instead of stdio */
	bool init;       /* run under isorun's own pid 1; false: the process is pid 1 */
	bool stop_group; /* signals for the process go to its whole process group */

	struct spec_capabilities capabilities;
	bool no_new_privs;
	enum spec_filter filter;
	struct strv filter_allow; /* groups of the default table that are let through ("ptrace") */
	struct spec_rlimit *rlimits;
	size_t rlimit_count;
	int oom_score_adj;
	struct spec_limits limits;
};

/* Appends a zeroed mount and returns it for the caller to fill. */
struct spec_mount *spec_add_mount(struct spec *spec, const char *type, const char *source,
	const char *target, uint64_t attributes);

/* Appends one rlimit. */
void spec_add_rlimit(struct spec *spec, int resource, uint64_t soft, uint64_t hard);

/* Appends one line to the uid map, the gid map, or both. */
void spec_add_uid_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count);
void spec_add_gid_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count);
void spec_add_map(struct spec *spec, uint32_t inside, uint32_t outside, uint32_t count);

/* Appends what maps ids to both maps: all of a range, or the spec's uid and gid alone, which must
 * be set before; then keep_groups is set, too. */
void spec_add_ids(struct spec *spec, const struct spec_ids *ids);

/* "RLIMIT_CORE" and so on, or NULL for a number that is none of this kernel's. */
const char *spec_rlimit_name(int resource);

/* Appends and sets what SECURITY's "Defaults" gives to every process whatever it runs: new
 * namespaces of every kind; proc, an empty /sys with the process's own cgroup2, /dev, and bounded
 * /tmp, /run (owned by uid) and /dev/shm; masked and read-only paths; no core files, no_new_privs
 * and the filter; no capabilities. uid, gid and terminal must be set before. tmp_bytes bounds /tmp;
 * 0: 64 MiB. The caller may take namespaces away again and adds the maps, argv and the rest. */
void spec_add_defaults(struct spec *spec, uint64_t tmp_bytes, bool tmp_exec);

/* Frees everything inside; the spec is zeroed. */
void spec_done(struct spec *spec);

#endif
