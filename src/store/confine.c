/* What a process that only parses may do. The list is a table of a dozen calls, so the filter is
 * written out as BPF here instead of being compiled: seccomp(2), struct seccomp_data. Calls that
 * are not in it get EPERM, for libc probes for some (locale files, random numbers) and can go on
 * without; another architecture's calls kill.
 *
 * Deliberately absent: the filter of sandboxes (kernel/filter). */
#include "confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#error "the parser's filter does not know this architecture"
#endif

static const uint16_t allowed[] = {
	SYS_read, SYS_write, SYS_lseek, SYS_fstat,
#ifdef SYS_newfstatat
	SYS_newfstatat, /* what glibc's fstat is; it opens nothing */
#endif
	SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex,
	SYS_clock_gettime, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_exit, SYS_exit_group,
#ifdef __SANITIZE_ADDRESS__
	SYS_sigaltstack, /* the sanitizer asks for it before every _exit, or gives up */
#endif
};

enum { ALLOWED = sizeof allowed / sizeof *allowed };

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return (int)syscall(SYS_capset, &header, none);
}

static int limit_memory(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 0; /* its shadow alone is larger */
#else
	const struct rlimit limit = { .rlim_cur = 1U << 30, .rlim_max = 1U << 30 };

	return setrlimit(RLIMIT_DATA, &limit);
#endif
}

static int load_filter(void)
{
	struct sock_filter code[5 + 2 * ALLOWED + 1];
	struct sock_fprog program = { .filter = code };
	unsigned short at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[at++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ALLOWED; i++) {
		code[at++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1);
	program.len = at;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int confine_reader(void)
{
	if (limit_memory() < 0 || drop_capabilities() < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return load_filter();
}
