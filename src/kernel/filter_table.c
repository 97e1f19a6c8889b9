/* The default filter's table. An allow-list: a call that is in none of the groups, because it is
 * newer than this file, does not exist for the process (ENOSYS), and libraries then fall back.
 *
 * What an unprivileged service needs is let through without looking at arguments, also where a
 * capability or permission is needed that the process does not have: the kernel checks those. What
 * is refused is what has no place in a service and a record of kernel holes, even where the kernel
 * would refuse it anyway. Not here: limits on arguments that are pointers; a filter cannot follow
 * those without a race. */
#include "filter_table.h"

#include <asm/ioctls.h>
#include <linux/netlink.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "check the positions of arguments (clone's differ) and the calls of this architecture first"
#endif

const struct filter_group filter_groups[] = {
	{ "io", FILTER_ALLOW, false, "reading, writing and waiting on descriptors",
		"read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 "
		"lseek sendfile copy_file_range close close_range dup dup2 dup3 fcntl flock "
		"pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl "
		"epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 "
		"timerfd_create timerfd_settime timerfd_gettime readahead fadvise64 fallocate "
		"ftruncate fsync fdatasync sync syncfs sync_file_range cachestat=451" },
	{ "aio", FILTER_ALLOW, false, "asynchronous input and output that databases use",
		"io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents" },
	{ "files", FILTER_ALLOW, false, "paths, metadata and extended attributes of files",
		"open openat openat2 creat stat fstat lstat newfstatat statx statfs fstatfs "
		"access faccessat faccessat2 chmod fchmod fchmodat fchmodat2=452 chown fchown "
		"lchown fchownat utime utimes futimesat utimensat truncate rename renameat "
		"renameat2 mkdir mkdirat rmdir link linkat symlink symlinkat unlink unlinkat "
		"readlink readlinkat chdir fchdir getcwd getdents getdents64 umask "
		"getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr "
		"flistxattr removexattr lremovexattr fremovexattr setxattrat=463 getxattrat=464 "
		"listxattrat=465 removexattrat=466 inotify_init inotify_init1 inotify_add_watch "
		"inotify_rm_watch name_to_handle_at statmount=457 listmount=458" },
	{ "memory", FILTER_ALLOW, false, "memory of the process itself, for run times and JITs",
		"brk mmap mprotect munmap mremap msync mincore madvise mlock mlock2 mlockall "
		"munlock munlockall memfd_create memfd_secret remap_file_pages pkey_alloc "
		"pkey_free pkey_mprotect membarrier mseal=462 map_shadow_stack=453 "
		"get_mempolicy set_mempolicy mbind set_mempolicy_home_node=450" },
	{ "processes", FILTER_ALLOW, false, "starting, waiting for and identifying processes",
		"fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid "
		"getpgid getpgrp getsid setpgid setsid prctl arch_prctl set_tid_address "
		"set_robust_list get_robust_list rseq set_thread_area get_thread_area "
		"restart_syscall getcpu pidfd_open process_mrelease uname sysinfo times "
		"getrusage getrlimit setrlimit prlimit64 seccomp landlock_create_ruleset "
		"landlock_add_rule landlock_restrict_self lsm_get_self_attr=459 "
		"lsm_list_modules=461" },
	{ "credentials", FILTER_ALLOW, false,
		"reading and dropping ids; gaining them is the kernel's to "
		"refuse",
		"getuid getgid geteuid getegid getresuid getresgid getgroups setuid setgid "
		"setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capget capset" },
	{ "signals", FILTER_ALLOW, false, "signals within the instance",
		"kill tkill tgkill pidfd_send_signal pause alarm rt_sigaction rt_sigprocmask "
		"rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo "
		"rt_sigsuspend sigaltstack" },
	{ "scheduling", FILTER_ALLOW, false, "threads: locks, priorities, processors",
		"futex futex_waitv=449 futex_wake=454 futex_wait=455 futex_requeue=456 "
		"sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr "
		"sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
		"sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
		"getpriority setpriority ioprio_get ioprio_set" },
	{ "time", FILTER_ALLOW, false,
		"clocks and timers; adjtimex only reads without CAP_SYS_TIME",
		"time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep "
		"getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun "
		"timer_delete adjtimex clock_adjtime getrandom" },
	{ "sockets", FILTER_ALLOW, false, "sockets of the families that may be made",
		"connect accept accept4 bind listen sendto recvfrom sendmsg recvmsg sendmmsg "
		"recvmmsg shutdown getsockname getpeername setsockopt getsockopt" },
	{ "ipc", FILTER_ALLOW, false,
		"System V and POSIX IPC, in a namespace of the instance's own",
		"shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv "
		"msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr" },

	{ "checked", FILTER_CHECK, false, "an argument decides, see below",
		"clone unshare socket socketpair ioctl personality mknod mknodat" },
	{ "clone3", FILTER_PRETEND, false,
		"its flags lie behind a pointer, where a filter cannot see namespaces being asked "
		"for; C libraries fall back to clone",
		"clone3=435" },

	{ "ptrace", FILTER_DENY, true,
		"looking into other processes of the instance: for debuggers and profilers, not in "
		"production; a record of kernel holes",
		"ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd" },
	{ "splice", FILTER_DENY, true,
		"moves references to the page cache, which is shared with every user of the same "
		"layer: CVE-2022-0847 wrote to read-only files that way",
		"splice tee vmsplice" },
	{ "mounts", FILTER_DENY, false,
		"an instance's mounts are made before it starts; CVE-2022-0185, CVE-2022-0492",
		"mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount "
		"fspick "
		"mount_setattr open_tree_attr=467 quotactl quotactl_fd=443" },
	{ "namespaces", FILTER_DENY, false, "joining a namespace; making one is checked in clone",
		"setns sethostname setdomainname" },
	{ "bpf", FILTER_DENY, false, "programs in the kernel", "bpf perf_event_open userfaultfd" },
	{ "io_uring", FILTER_DENY, false,
		"does what other calls do where no filter sees it; a long record of kernel holes",
		"io_uring_setup io_uring_enter io_uring_register" },
	{ "keys", FILTER_DENY, false, "the kernel's key rings have no namespace of their own",
		"add_key request_key keyctl" },
	{ "handles", FILTER_DENY, false,
		"open_by_handle_at reaches files outside the root; fanotify sees those of others",
		"open_by_handle_at fanotify_init fanotify_mark" },
	{ "kernel", FILTER_DENY, false, "another kernel, more of it, or its log",
		"kexec_load kexec_file_load init_module finit_module delete_module reboot syslog" },
	{ "host", FILTER_DENY, false, "settings of the whole machine, for its administrator",
		"settimeofday clock_settime swapon swapoff acct vhangup migrate_pages move_pages "
		"ioperm iopl lookup_dcookie" },
	{ "obsolete", FILTER_DENY, false, "for programs of another age; modify_ldt: 16-bit code",
		"modify_ldt uselib ustat sysfs nfsservctl query_module" },
	{ "unneeded", FILTER_PRETEND, false, "an older way to the same exists, or nothing needs it",
		"lsm_set_self_attr=460 file_getattr=468 file_setattr=469" },
	{ "unimplemented", FILTER_PRETEND, false, "numbers without a call behind them any more",
		"_sysctl create_module get_kernel_syms getpmsg putpmsg afs_syscall tuxcall "
		"security "
		"vserver epoll_ctl_old epoll_wait_old" },
};
const size_t filter_group_count = sizeof filter_groups / sizeof *filter_groups;

#define NEW_NAMESPACE                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		CLONE_NEWPID | CLONE_NEWNET)

enum { WHOLE = 0xffffffff, SOCKET_TYPE = 0xf, FAMILIES = 0x3f };

/* Families other than netlink: by type, without its flag bits. */
#define TYPE_OF_FAMILY(family)                                                                  \
	{                                                                                       \
		.call = "socket", .conditional = true, .when_argument = 0, .when_field = WHOLE, \
		.when = family, .argument = 1, .field = SOCKET_TYPE, .known = SOCKET_TYPE,      \
		.verdict = FILTER_ONLY, .values = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET },  \
		.value_count = 3, .reason = "no SOCK_RAW, SOCK_PACKET, SOCK_RDM, SOCK_DCCP"     \
	}

const struct filter_check filter_checks[] = {
	{ .call = "clone",
		.argument = 0,
		.field = NEW_NAMESPACE,
		.known = NEW_NAMESPACE,
		.verdict = FILTER_ONLY,
		.values = { 0 },
		.value_count = 1,
		.reason = "no flag that makes a namespace" },
	{ .call = "unshare",
		.argument = 0,
		.field = NEW_NAMESPACE | CLONE_NEWTIME, /* in clone(2) that is a signal's bit */
		.known = NEW_NAMESPACE | CLONE_NEWTIME,
		.verdict = FILTER_ONLY,
		.values = { 0 },
		.value_count = 1,
		.reason = "no flag that makes a namespace" },
	{ .call = "socket",
		.argument = 0,
		.field = WHOLE,
		.known = FAMILIES,
		.verdict = FILTER_REFINED,
		.values = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK },
		.value_count = 4,
		.reason = "the families that services use: not AF_ALG (CVE-2026-31431), AF_VSOCK "
			  "(it reaches the host), AF_PACKET, nor rare ones that load modules" },
	TYPE_OF_FAMILY(AF_UNIX),
	TYPE_OF_FAMILY(AF_INET),
	TYPE_OF_FAMILY(AF_INET6),
	{ .call = "socket",
		.conditional = true,
		.when_argument = 0,
		.when_field = WHOLE,
		.when = AF_NETLINK,
		.argument = 2,
		.field = WHOLE,
		.known = FAMILIES,
		.verdict = FILTER_ONLY,
		.values = { NETLINK_ROUTE },
		.value_count = 1,
		.reason = "what getifaddrs(3) reads; the others are the administrator's" },
	{ .call = "socketpair",
		.argument = 0,
		.field = WHOLE,
		.known = FAMILIES,
		.verdict = FILTER_ONLY,
		.values = { AF_UNIX },
		.value_count = 1,
		.reason = "the one family that makes pairs, but for rare ones that load modules" },
	{ .call = "ioctl",
		.argument = 1,
		.field = WHOLE,
		.known = WHOLE,
		.verdict = FILTER_NOT,
		.values = { TIOCSTI, TIOCLINUX },
		.value_count = 2,
		.reason = "they type into the terminal that isorun was started in (CVE-2017-5226; "
			  "with high bits set, CVE-2019-10063)" },
	{ .call = "personality",
		.argument = 0,
		.field = WHOLE,
		.known = 0,
		.verdict = FILTER_ONLY,
		.values = { PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, WHOLE },
		.value_count = 5,
		.reason = "reading it and the texts of uname, nothing that weakens the address "
			  "space" },
	{ .call = "mknod",
		.argument = 1,
		.field = S_IFMT,
		.known = S_IFMT,
		.verdict = FILTER_ONLY,
		.values = { 0, S_IFREG, S_IFIFO, S_IFSOCK },
		.value_count = 4,
		.reason = "no devices" },
	{ .call = "mknodat",
		.argument = 2,
		.field = S_IFMT,
		.known = S_IFMT,
		.verdict = FILTER_ONLY,
		.values = { 0, S_IFREG, S_IFIFO, S_IFSOCK },
		.value_count = 4,
		.reason = "no devices" },
};
const size_t filter_check_count = sizeof filter_checks / sizeof *filter_checks;

bool filter_next_call(const char **at, struct filter_call *ret)
{
	const char *start = *at + strspn(*at, " ");
	size_t len = strcspn(start, " =");

	if (len == 0)
		return false;
	memcpy(ret->name, start, len);
	ret->name[len] = '\0';
	ret->number = start[len] == '=' ? atoi(start + len + 1) : -1;
	*at = start + strcspn(start, " ");
	return true;
}
