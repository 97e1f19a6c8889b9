/* floor: what the kernel alone charges for one isolated process, with no tool around it. Each row
 * adds something that a launch cannot do without, so the difference of two rows is its price.
 *
 * Deliberately plain: old mount calls where they are as quick, no error recovery, one netlink
 * request at a time. A row needs root and, in the root directory, proc, dev, sys, tmp and run. */
#include "floor.h"

#include "floor_network.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCAL (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

const struct floor_row floor_rows[] = {
	{ "fork, exec, wait", 0, 0 },
	{ "+ mount, pid, uts, ipc, cgroup namespaces", LOCAL, 0 },
	{ "+ read-only root", LOCAL, FLOOR_ROOT },
	{ "+ proc, dev, tmp", LOCAL, FLOOR_ROOT | FLOOR_MOUNTS },
	{ "+ network namespace", LOCAL | CLONE_NEWNET, FLOOR_ROOT | FLOOR_MOUNTS },
	{ "+ veth, route, no_new_privs, seccomp", LOCAL | CLONE_NEWNET,
		FLOOR_ROOT | FLOOR_MOUNTS | FLOOR_NETWORK | FLOOR_CONFINE },
	{ "+ user namespace, masks, run, shm, pid 1", LOCAL | CLONE_NEWNET | CLONE_NEWUSER,
		FLOOR_ROOT | FLOOR_MOUNTS | FLOOR_NETWORK | FLOOR_CONFINE | FLOOR_USER |
			FLOOR_INIT },
};
const size_t floor_row_count = sizeof floor_rows / sizeof *floor_rows;

static void die(const char *what)
{
	perror(what);
	_exit(100);
}

double floor_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void make_devices(void)
{
	static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
		char from[32], to[32];

		(void)snprintf(from, sizeof from, "/dev/%s", devices[i]);
		(void)snprintf(to, sizeof to, "dev/%s", devices[i]);
		(void)close(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
		if (mount(from, to, NULL, MS_BIND, NULL) < 0)
			die(from);
	}
}

static void mask_proc(void)
{
	static const char *const files[] = { "proc/kcore", "proc/keys", "proc/timer_list",
		"proc/interrupts" };
	static const char *const dirs[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (access(files[i], F_OK) == 0 &&
			mount("dev/null", files[i], NULL, MS_BIND, NULL) < 0)
			die(files[i]);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (mount(dirs[i], dirs[i], NULL, MS_BIND, NULL) < 0 ||
			mount(NULL, dirs[i], NULL,
				MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV,
				NULL) < 0)
			die(dirs[i]);
}

static void make_mounts(unsigned steps)
{
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) < 0 ||
		mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k") < 0 ||
		mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0)
		die("mounts");
	make_devices();
	if (!(steps & FLOOR_USER))
		return;
	mask_proc();
	if (mkdir("dev/shm", 01777) < 0 ||
		mount("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0 ||
		mount("tmpfs", "run", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0)
		die("more mounts");
}

static void enter_root(const char *root, unsigned steps)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		die(root);
	if (steps & FLOOR_MOUNTS)
		make_mounts(steps);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
		chdir("/") < 0 ||
		mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		die("pivot_root");
}

static void confine(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		die("seccomp");
}

/* Stays behind as pid 1; the child goes on. */
static void become_init(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		return;
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100);
}

/* The program is the one in root in every row, so it must be static. */
static void run_child(const struct floor_row *row, const char *root, char *const *argv, int gate)
{
	char *env[] = { NULL };
	char path[4096];
	char byte;

	if (gate >= 0 && read(gate, &byte, 1) != 1)
		die("gate");
	if (row->steps & FLOOR_NETWORK)
		floor_network_inside();
	if (row->steps & FLOOR_ROOT)
		enter_root(root, row->steps);
	if (row->steps & FLOOR_INIT)
		become_init();
	if (row->steps & FLOOR_CONFINE)
		confine();
	(void)snprintf(path, sizeof path, "%s%s", row->steps & FLOOR_ROOT ? "" : root, argv[0]);
	execve(path, argv, env);
	die(path);
}

static void write_map(pid_t pid, const char *file)
{
	static const char map[] = "0 0 65536\n";
	char path[40];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, sizeof map - 1) != sizeof map - 1)
		die(path);
	(void)close(fd);
}

/* What the parent does while the child waits at the gate. */
static void prepare(const struct floor_row *row, pid_t pid, int gate)
{
	if (row->steps & FLOOR_USER) {
		write_map(pid, "uid_map");
		write_map(pid, "gid_map");
	}
	if (row->steps & FLOOR_NETWORK)
		floor_network_outside(pid);
	if (write(gate, "", 1) != 1)
		die("gate");
}

double floor_once(const struct floor_row *row, const char *root, char *const *argv)
{
	const int gated = (row->steps & (FLOOR_NETWORK | FLOOR_USER)) != 0;
	const double began = floor_now();
	struct clone_args args = {
		.flags = row->namespaces | (gated ? 0 : CLONE_VFORK),
		.exit_signal = SIGCHLD,
	};
	int gate[2] = { -1, -1 };
	double took;
	int status;
	pid_t pid;

	if (gated && pipe2(gate, O_CLOEXEC) < 0)
		die("pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		run_child(row, root, argv, gate[0]);
	if (gated)
		prepare(row, pid, gate[1]);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	took = floor_now() - began;
	if (gated) {
		(void)close(gate[0]);
		(void)close(gate[1]);
	}
	if (status != 0) {
		fprintf(stderr, "floor: \"%s\" ended with status %#x\n", row->name, status);
		exit(1);
	}
	if (row->steps & FLOOR_NETWORK)
		floor_network_wait();
	return took;
}
