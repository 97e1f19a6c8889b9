/* What isorun needs of a host, each found out by having it: nothing here reads a configuration
 * where the thing itself can be tried. All of them are for kernel/trial: each runs in a child of
 * its own, and changes the process that it runs in. */
#ifndef KERNEL_FEATURE_H
#define KERNEL_FEATURE_H

#include "kernel/trial.h"

/* Contexts. */
struct feature_namespace {
	int flag; /* CLONE_NEW* */
	const char *name;
};

struct feature_place {
	const char *layers[2]; /* directories on the file system of the store */
	const char *scratch;   /* one that mounts may be attached over */
};

trial_act feature_version; /* the kernel's; no context */
trial_act feature_clone;   /* clone3(2) and pidfds; no context */
trial_act feature_userns; /* a user namespace with the ids that this caller has, and rights in it */
trial_act feature_one;    /* a namespace of the kind of struct feature_namespace, within one */
trial_act feature_proc;   /* a /proc for a pid namespace, within a user namespace */
trial_act feature_mounts; /* the mount calls on descriptors */
trial_act feature_overlay; /* an overlay of struct feature_place's layers, with this caller's rights
			    */
trial_act feature_idmap;   /* its first layer with shifted ids, which only root needs */
trial_act feature_cgroup;  /* a cgroup for a run, a process born in it, and its controllers */
trial_act feature_nftables; /* the rules that a router has, in a network namespace */
trial_act feature_veth;     /* a pair of virtual Ethernet interfaces there */
trial_act feature_ipv6;     /* an IPv6 address there */
trial_act feature_seccomp;  /* the default filter */
trial_act feature_landlock; /* scopes for abstract sockets */
trial_act feature_apparmor; /* whether it restricts us, and our profile is loaded */
trial_act feature_groups;   /* whether the caller has groups that it cannot drop */
trial_act feature_subids;   /* newuidmap and a range of ids; context: the caller's name, or NULL */
trial_act feature_ports;    /* a port below 1024 */

#endif
