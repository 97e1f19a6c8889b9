/* The filter as the kernel applies it: children load it and really make the calls. The children
 * are as privileged as the test, so what is refused is refused by the filter alone. */
#include "kernel/filter.h"

#include <arpa/inet.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs call in a child under the filter and returns its wait status; the child exits with what call
 * returns. */
static int confined(const char *allow, int (*call)(const void *), const void *context)
{
	CLEANUP_STRV struct strv groups = { 0 };
	CLEANUP_BUF struct buf filter = { 0 };
	struct error err;
	int status;
	pid_t pid;

	if (allow)
		strv_add(&groups, allow);
	if (filter_compile(&groups, &filter, &err) < 0)
		fail_msg("%s", err.text);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_load(&filter, &err) < 0)
			_exit(200);
		_exit(call(context));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_exit(int status, int wanted)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
}

/* One call, and the errno that the child exits with; 0 if it succeeded. */
struct raw {
	const char *name;
	long number;
	long arguments[5];
};

static int make(const void *context)
{
	const struct raw *raw = context;
	const long *a = raw->arguments;

	errno = 0;
	return syscall(raw->number, a[0], a[1], a[2], a[3], a[4]) < 0 ? errno : 0;
}

static void assert_all(const struct raw *calls, size_t count, int wanted)
{
	for (size_t i = 0; i < count; i++) {
		int status = confined(NULL, make, &calls[i]);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
			fail_msg("%s: status %#x, not errno %d", calls[i].name, status, wanted);
	}
}

#define RAW(name, ...)              \
	{                           \
#name, SYS_##name,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void what_a_service_never_needs_is_refused(void **state)
{
	static const struct raw calls[] = {
		RAW(mount, 0, (long)"/nowhere"),
		RAW(umount2, (long)"/nowhere"),
		RAW(pivot_root, (long)".", (long)"."),
		RAW(chroot, (long)"/"),
		RAW(fsopen, (long)"tmpfs"),
		RAW(fsconfig, -1),
		RAW(fsmount, -1),
		RAW(fspick, -100, (long)"/"),
		RAW(open_tree, -100, (long)"/"),
		RAW(move_mount, -1, (long)"", -100, (long)"/"),
		RAW(mount_setattr, -100, (long)"/"),
		RAW(bpf, 0),
		RAW(perf_event_open, 0),
		RAW(userfaultfd, 0),
		RAW(io_uring_setup, 1),
		RAW(io_uring_enter, -1),
		RAW(io_uring_register, -1),
		RAW(keyctl, 0, -3),
		RAW(add_key, 0),
		RAW(request_key, 0),
		RAW(kexec_load, 0),
		RAW(kexec_file_load, -1),
		RAW(init_module, 0),
		RAW(finit_module, -1),
		RAW(delete_module, (long)"nothing"),
		RAW(ptrace, PTRACE_TRACEME),
		RAW(process_vm_readv, 1),
		RAW(process_vm_writev, 1),
		RAW(pidfd_getfd, -1),
		RAW(kcmp, 1, 1),
		RAW(open_by_handle_at, -100),
		RAW(setns, -1),
		RAW(sethostname, 0, -1),
		RAW(syslog, 3),
		RAW(reboot, 0),
		RAW(swapon, 0),
		RAW(swapoff, (long)"/nowhere"),
		RAW(settimeofday, 0),
		RAW(acct, 0),
		RAW(quotactl, 0),
		RAW(fanotify_init, 0),
		RAW(splice, -1),
		RAW(vmsplice, -1),
		RAW(tee, -1),

#ifdef SYS_modify_ldt
		RAW(modify_ldt, 0),
		RAW(iopl, 0),
		RAW(ioperm, 0),
#endif
	};

	(void)state;
	assert_all(calls, COUNT(calls), EPERM);
}

static void namespaces_cannot_be_made(void **state)
{
	static const struct raw calls[] = {
		{ "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD } },
		{ "clone mount", SYS_clone, { CLONE_NEWNS | SIGCHLD } },
		{ "clone network", SYS_clone, { CLONE_NEWNET | SIGCHLD } },
		{ "clone pid, high bits", SYS_clone, { CLONE_NEWPID | SIGCHLD | 1L << 40 } },
		{ "unshare user", SYS_unshare, { CLONE_NEWUSER } },
		{ "unshare cgroup", SYS_unshare, { CLONE_NEWCGROUP } },
		{ "unshare time", SYS_unshare, { CLONE_NEWTIME } },
	};

	(void)state;
	assert_all(calls, COUNT(calls), EPERM);
}

static void clone3_and_calls_from_the_future_do_not_exist(void **state)
{
	static const struct raw calls[] = {
		RAW(clone3, 0),
		RAW(personality, 0x0040000),
		{ "511", 511, { 0 } },
		{ "999", 999, { 0 } },
	};

	(void)state;
	assert_all(calls, COUNT(calls), ENOSYS);
}

static void rare_and_raw_sockets_are_refused(void **state)
{
	static const struct raw calls[] = {
		{ "AF_ALG", SYS_socket, { AF_ALG, SOCK_SEQPACKET } },
		{ "AF_ALG, high bits", SYS_socket, { AF_ALG | 1L << 32, SOCK_SEQPACKET } },
		{ "AF_VSOCK", SYS_socket, { AF_VSOCK, SOCK_STREAM } },
		{ "AF_PACKET", SYS_socket, { AF_PACKET, SOCK_DGRAM } },
		{ "raw", SYS_socket, { AF_INET, SOCK_RAW, 1 } },
		{ "raw, flags", SYS_socket, { AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1 } },
		{ "raw, IPv6", SYS_socket, { AF_INET6, SOCK_RAW | 1L << 32, 58 } },
		{ "netfilter", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER } },
		{ "audit", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_AUDIT } },
	};

	(void)state;
	assert_all(calls, COUNT(calls), EPERM);
}

static void typing_into_the_terminal_is_refused(void **state)
{
	static const struct raw calls[] = {
		{ "TIOCSTI", SYS_ioctl, { 0, TIOCSTI, (long)"x" } },
		{ "TIOCSTI, high bits", SYS_ioctl, { 0, TIOCSTI | 1L << 32, (long)"x" } },
		{ "TIOCLINUX", SYS_ioctl, { 0, TIOCLINUX, (long)"\3" } },
		{ "TIOCLINUX, high bits", SYS_ioctl, { 0, TIOCLINUX | 1L << 63, (long)"\3" } },
	};

	(void)state;
	assert_all(calls, COUNT(calls), EPERM);
}

static void devices_are_refused_and_fifos_are_not(void **state)
{
	char fifo[64];
	const struct raw device =
		RAW(mknodat, AT_FDCWD, (long)"/dev/shm/isorun-device", S_IFCHR | 0600, 0x103);
	struct raw pipe = RAW(mknodat, AT_FDCWD, (long)fifo, S_IFIFO | 0600);

	(void)state;
	(void)snprintf(fifo, sizeof fifo, "/tmp/isorun-fifo-%d", (int)getpid());
	assert_all(&device, 1, EPERM);
	assert_all(&pipe, 1, 0);
	assert_int_equal(unlink(fifo), 0);
}

#ifdef __x86_64__
static int make_int80(const void *context)
{
	int result;

	(void)context;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "memory");
	return 0;
}

static int make_x32(const void *context)
{
	(void)context;
	(void)syscall(0x40000000 | SYS_getpid);
	return 0;
}

static void calls_of_another_abi_kill(void **state)
{
	int status = confined(NULL, make_int80, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	status = confined(NULL, make_x32, NULL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}
#endif

static void *set_one(void *context)
{
	*(int *)context = 1;
	return NULL;
}

/* Threads (glibc tries clone3 first), fork, vfork by posix_spawn, exec of another program. */
static int start_things(const void *context)
{
	char *const argv[] = { "true", NULL };
	char *const env[] = { NULL };
	pthread_t thread;
	int ran = 0, status;
	pid_t pid;

	(void)context;
	if (pthread_create(&thread, NULL, set_one, &ran) || pthread_join(thread, NULL) || !ran)
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(7);
	if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		return 2;
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env))
		return 3;
	if (waitpid(pid, &status, 0) != pid || status)
		return 4;
	execve("/bin/true", argv, env);
	return 5;
}

static void threads_fork_and_exec_work(void **state)
{
	(void)state;
	assert_exit(confined(NULL, start_things, NULL), 0);
}

static int use_network(const void *context)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct ifaddrs *list;
	int pair[2];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)context;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
		return 1;
	if (getifaddrs(&list))
		return 2;
	freeifaddrs(list);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 3;
	if (socket(AF_INET6, SOCK_DGRAM, 0) < 0 && errno != EAFNOSUPPORT)
		return 4;
	return 0;
}

static void ordinary_sockets_and_getifaddrs_work(void **state)
{
	(void)state;
	assert_exit(confined(NULL, use_network, NULL), 0);
}

static int trace_me(const void *context)
{
	(void)context;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static void ptrace_works_where_it_was_asked_for(void **state)
{
	(void)state;
	assert_exit(confined("ptrace", trace_me, NULL), 0);
}

/* What is not written for isorun must run: a shell pipeline, sort's threads, awk, tar. */
static int run_shell(const void *context)
{
	execl("/bin/sh", "sh", "-c", context, NULL);
	return 1;
}

static void ordinary_programs_run(void **state)
{
	static const char *const scripts[] = {
		"seq 50000 | sort -rn --parallel=2 | head -1 | grep -qx 50000",
		"tar c /etc/passwd 2>/dev/null | tar t | grep -q passwd",
		"cat /proc/self/status | awk '/^Seccomp:/ { exit $2 != 2 }'",
		"nice -n 1 sleep 0 && date > /dev/null && ls -l / > /dev/null",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++)
		assert_exit(confined(NULL, run_shell, scripts[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_service_never_needs_is_refused),
		cmocka_unit_test(namespaces_cannot_be_made),
		cmocka_unit_test(clone3_and_calls_from_the_future_do_not_exist),
		cmocka_unit_test(rare_and_raw_sockets_are_refused),
		cmocka_unit_test(typing_into_the_terminal_is_refused),
		cmocka_unit_test(devices_are_refused_and_fifos_are_not),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_another_abi_kill),
#endif
		cmocka_unit_test(threads_fork_and_exec_work),
		cmocka_unit_test(ordinary_sockets_and_getifaddrs_work),
		cmocka_unit_test(ptrace_works_where_it_was_asked_for),
		cmocka_unit_test(ordinary_programs_run),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
