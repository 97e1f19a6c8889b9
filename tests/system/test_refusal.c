/* Refusals of the real kernel: children bring about what forbids, ask for a user namespace, and the
 * explanation is compared. */
#include "kernel/refusal.h"

#include "kernel/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(99);
	close(fd);
}

/* A user namespace in which this process is root. */
static void become_root(void)
{
	char users[64], groups[64];

	(void)snprintf(users, sizeof users, "0 %u 1\n", (unsigned)geteuid());
	(void)snprintf(groups, sizeof groups, "0 %u 1\n", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(98);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", users);
	write_file("/proc/self/gid_map", groups);
}

/* Prepares in a child, asks for a namespace there, and returns the explanation. */
static void explain(void (*prepare)(void), struct error *ret)
{
	struct error *shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	assert_true(shared != MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prepare();
		if (unshare(CLONE_NEWUSER) == 0)
			_exit(97);
		_exit(refusal_explain(errno, shared) == -1 ? 0 : 96);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	*ret = *shared;
	munmap(shared, sizeof *shared);
}

static void assert_explained(void (*prepare)(void), const char *text, const char *hint)
{
	struct error err;

	explain(prepare, &err);
	assert_string_equal(err.text, text);
	assert_string_equal(err.hint, hint);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void allow_none(void)
{
	become_root();
	write_file("/proc/sys/user/max_user_namespaces", "0");
}

static void a_limit_of_none_is_named(void **state)
{
	(void)state;
	assert_explained(allow_none,
		"user namespace: none is allowed: user.max_user_namespaces is 0",
		"sudo sysctl -w user.max_user_namespaces=15000");
}

static void allow_none_and_nest(void)
{
	allow_none();
	write_file("/proc/sys/user/max_user_namespaces", "1");
	become_root();
}

static void a_limit_further_out_is_told(void **state)
{
	(void)state;
	assert_explained(allow_none_and_nest,
		"user namespace: no more are allowed: user.max_user_namespaces outside of this "
		"container is reached, or 32 of them are nested",
		"outside: sudo sysctl -w user.max_user_namespaces=15000");
}

static void change_root(void)
{
	become_root();
	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/root", 0755) < 0 ||
		mkdir("/tmp/root/proc", 0755) < 0 ||
		mount("/proc", "/tmp/root/proc", NULL, MS_BIND | MS_REC, NULL) < 0 ||
		chroot("/tmp/root") < 0 || chdir("/") < 0)
		_exit(94);
}

static void a_chroot_is_recognised(void **state)
{
	(void)state;
	assert_explained(change_root, "user namespace: the kernel refuses it in a chroot",
		"enter the chroot with pivot_root(8) in a mount namespace");
}

static void lose_the_map(void)
{
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(93);
}

static void a_user_without_a_map_is_told(void **state)
{
	(void)state;
	assert_explained(lose_the_map,
		"user namespace: isorun's own user or group is mapped to none outside",
		"unshare --user --map-current-user");
}

/* As Docker's default filter does to a process without CAP_SYS_ADMIN. */
static void refuse_unshare(void)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct buf filter = { .data = (char *)program, .len = sizeof program };
	struct error err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_load(&filter, &err) < 0)
		_exit(92);
}

static void a_filter_is_told_from_the_kernel(void **state)
{
	(void)state;
	assert_explained(refuse_unshare,
		"user namespace: the seccomp filter that isorun was started under refuses it",
		"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
		"--security-opt systempaths=unconfined …");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_of_none_is_named),
		cmocka_unit_test(a_limit_further_out_is_told),
		cmocka_unit_test(a_chroot_is_recognised),
		cmocka_unit_test(a_user_without_a_map_is_told),
		cmocka_unit_test(a_filter_is_told_from_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
