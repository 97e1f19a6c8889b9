/* syscall: what one system call costs under a seccomp filter.
 *
 *	syscall none|one|inherited|FILE
 *
 * none: no filter; one: one instruction, which allows; inherited: whatever the process runs under
 * already; FILE: struct sock_filter[] as isorun caches it. Prints getpid, read and futex in
 * nanoseconds, the least of many short series, so that an interrupted one does not count. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SERIES = 200, CALLS = 2000 };

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int load(const char *name)
{
	static struct sock_filter program[BPF_MAXINSNS] = { BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog whole = { .len = 1, .filter = program };

	if (strcmp(name, "none") == 0 || strcmp(name, "inherited") == 0)
		return 0;
	if (strcmp(name, "one") != 0) {
		int fd = open(name, O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? -1 : read(fd, program, sizeof program);

		if (got <= 0)
			return -1;
		whole.len = (unsigned short)((size_t)got / sizeof *program);
		(void)close(fd);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole);
}

static void call_getpid(int fd)
{
	(void)fd;
	(void)syscall(SYS_getpid);
}

static void call_read(int fd)
{
	char byte;

	(void)!read(fd, &byte, 1);
}

static void call_futex(int fd)
{
	static uint32_t word;

	(void)fd;
	(void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void measure(const char *name, void (*call)(int), int fd)
{
	double least = 1e18;

	for (int series = 0; series < SERIES; series++) {
		double began = now(), took;

		for (int i = 0; i < CALLS; i++)
			call(fd);
		took = (now() - began) / CALLS;
		least = took < least ? took : least;
	}
	printf("%s %.1f\n", name, least);
}

int main(int argc, char **argv)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (argc != 2 || fd < 0 || load(argv[1]) < 0) {
		perror("usage: syscall none|one|inherited|FILE");
		return 2;
	}
	measure("getpid", call_getpid, fd);
	measure("read", call_read, fd);
	measure("futex", call_futex, fd);
	return 0;
}
