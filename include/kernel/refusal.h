/* Why the kernel refuses a user namespace: user_namespaces(7) and what distributions, AppArmor and
 * container engines add to it. errno says next to nothing, EPERM has seven reasons; so when a
 * namespace was refused the host's settings are read, and the error names the one that did it and
 * the command that mends it. */
#ifndef KERNEL_REFUSAL_H
#define KERNEL_REFUSAL_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { REFUSAL_UNKNOWN = -1, REFUSAL_LABEL = 80 };

/* What there is to know. Numbers are REFUSAL_UNKNOWN where the host has no such setting. */
struct refusal {
	int64_t unprivileged_clone; /* kernel.unprivileged_userns_clone, Debian's */
	int64_t most;               /* user.max_user_namespaces */
	char none[8];               /* the first of its siblings that is 0: "mnt", "net"; "" */
	int64_t apparmor;           /* kernel.apparmor_restrict_unprivileged_userns, Ubuntu's */
	bool built;                 /* CONFIG_USER_NS */
	bool privileged;            /* CAP_SYS_ADMIN over the host itself */
	bool mapped;                /* this process's own user namespace has maps */
	bool rooted; /* something is mounted on "/", which is no proof, but seldom so in a chroot */
	bool filtered; /* a seccomp filter is on this process */
	bool refused;  /* and it refuses even an unshare(2) of nothing, as Docker's default does */
	char label[REFUSAL_LABEL]; /* AppArmor's name for what confines this process, or "" */
};

/* Reads the settings below root, a descriptor of "/" (or of a tree that looks like it). refused is
 * not among them. */
void refusal_read(int root, struct refusal *ret);

/* Whether Ubuntu's restriction is what this process meets: it is for those who have no profile, and
 * moves them to one that takes all rights away. Privileged ones are let through. */
bool refusal_is_restricted(const struct refusal *refusal);

/* Explains errnum, which unshare(2), clone3(2) or the first act with the new namespace's rights
 * gave: sets err, mostly ERROR_UNSUPPORTED with a hint, and returns -1. Pure. */
int refusal_judge(const struct refusal *refusal, int errnum, struct error *err);

/* The same for a mount namespace that was refused to root, who may lack what makes it root. */
int refusal_judge_root(const struct refusal *refusal, int errnum, struct error *err);

/* Both, for this host and the calling process. Call it in a process that still has the root, the
 * credentials and the filter that were refused. */
int refusal_explain(int errnum, struct error *err);
int refusal_explain_root(int errnum, struct error *err);

#endif
