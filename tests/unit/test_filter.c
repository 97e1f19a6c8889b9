/* The compiled filter, judged call by call with an interpreter: no kernel is asked here. */
#include "kernel/filter.h"

#include "../../src/kernel/filter_table.h"
#include "../support/bpf.h"
#include "base/digest.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

enum {
	ALLOWED = SECCOMP_RET_ALLOW,
	DENIED = SECCOMP_RET_ERRNO | EPERM,
	ABSENT = SECCOMP_RET_ERRNO | ENOSYS,
};
#define KILLED SECCOMP_RET_KILL_PROCESS

static const struct strv nothing = { 0 };

static void compile(const struct strv *allow, struct buf *ret)
{
	struct error err;

	assert_int_equal(filter_compile(allow, ret, &err), 0);
}

static uint32_t verdict(
	const struct buf *filter, uint32_t number, uint64_t a, uint64_t b, uint64_t c)
{
	const struct bpf_call call = { BPF_NATIVE, number, { a, b, c } };

	return bpf_run(filter, &call);
}

static void every_known_call_has_one_place_in_the_table(void **state)
{
	unsigned seen[512] = { 0 };

	(void)state;
	for (size_t i = 0; i < filter_group_count; i++) {
		const char *at = filter_groups[i].calls;
		struct filter_call call;

		while (filter_next_call(&at, &call)) {
			int number = call.number;

			if (number < 0)
				number = seccomp_syscall_resolve_name(call.name);
			if (number == __NR_SCMP_ERROR)
				fail_msg("%s is unknown and has no number", call.name);
			if (number >= 0 && seen[number]++)
				fail_msg("%s stands twice", call.name);
		}
	}
	for (int number = 0; number < 512; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

		if (name && !seen[number])
			fail_msg("%s (%d) is in no group", name, number);
		free(name);
	}
}

static void numbers_in_the_table_are_the_ones_that_libseccomp_knows(void **state)
{
	(void)state;
	for (size_t i = 0; i < filter_group_count; i++) {
		const char *at = filter_groups[i].calls;
		struct filter_call call;

		while (filter_next_call(&at, &call)) {
			int known = seccomp_syscall_resolve_name(call.name);

			if (call.number >= 0 && known >= 0)
				assert_int_equal(known, call.number);
		}
	}
}

static void groups_get_the_verdict_that_the_table_says(void **state)
{
	static const uint32_t wanted[] = {
		[FILTER_ALLOW] = ALLOWED, [FILTER_DENY] = DENIED, [FILTER_PRETEND] = ABSENT
	};
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (size_t i = 0; i < filter_group_count; i++) {
		const char *at = filter_groups[i].calls;
		struct filter_call call;

		while (filter_groups[i].action != FILTER_CHECK && filter_next_call(&at, &call)) {
			int number = call.number;

			if (number < 0)
				number = seccomp_syscall_resolve_name(call.name);
			if (number >= 0 && verdict(&filter, (uint32_t)number, 0, 0, 0) !=
						   wanted[filter_groups[i].action])
				fail_msg("%s: wrong verdict", call.name);
		}
	}
}

static void calls_newer_than_the_table_do_not_exist(void **state)
{
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (uint32_t number = 470; number < 2000; number++)
		assert_int_equal(verdict(&filter, number, 0, 0, 0), ABSENT);
}

static void another_architecture_dies(void **state)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_S390X };
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		const struct bpf_call call = { others[i], SYS_getpid, { 0 } };

		assert_int_equal(bpf_run(&filter, &call), KILLED);
	}
#ifdef __x86_64__
	assert_int_equal(verdict(&filter, 0x40000000 | SYS_getpid, 0, 0, 0), KILLED);
	assert_int_equal(verdict(&filter, 0x40000000 | 514, 0, 0, 0), KILLED);
#endif
}

static uint32_t wanted_socket(uint32_t family, uint32_t type, uint32_t protocol)
{
	if (family > 63)
		return ABSENT;
	type &= 0xf;
	if (family == AF_NETLINK)
		return protocol == NETLINK_ROUTE ? ALLOWED : DENIED;
	if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
		return DENIED;
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? ALLOWED
										   : DENIED;
}

static void sockets_are_judged_by_family_type_and_protocol(void **state)
{
	static const uint64_t garbage[] = { 0, UINT64_C(1) << 32, UINT64_C(0xffffffff) << 32 };
	static const uint32_t flags[] = { 0, SOCK_CLOEXEC, SOCK_CLOEXEC | SOCK_NONBLOCK };
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (uint32_t family = 0; family < 80; family++)
		for (uint32_t i = 0; i < 3 * 16; i++)
			for (uint32_t protocol = 0; protocol < 24; protocol++) {
				uint64_t high = garbage[protocol % 3];
				uint32_t type = flags[i / 16] | i % 16;

				assert_int_equal(verdict(&filter, SYS_socket, high | family,
							 high | type, high | protocol),
					wanted_socket(family, type, protocol));
			}
	for (unsigned bit = 7; bit < 32; bit++)
		assert_int_equal(
			verdict(&filter, SYS_socket, UINT32_C(1) << bit | AF_INET, SOCK_STREAM, 0),
			ABSENT);
}

static void pairs_are_unix_only(void **state)
{
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (uint32_t family = 0; family < 80; family++)
		assert_int_equal(verdict(&filter, SYS_socketpair, family, SOCK_STREAM, 0),
			family == AF_UNIX ? ALLOWED
			: family > 63     ? ABSENT
					  : DENIED);
}

static void terminal_injection_is_refused_whatever_the_high_bits(void **state)
{
	static const uint64_t garbage[] = { 0, UINT64_C(1) << 32, UINT64_C(0xdeadbeef) << 32 };
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (size_t i = 0; i < 3; i++)
		for (uint32_t request = 0x5000; request < 0x5800; request++)
			assert_int_equal(verdict(&filter, SYS_ioctl, 0, garbage[i] | request, 0),
				request == TIOCSTI || request == TIOCLINUX ? DENIED : ALLOWED);
	for (unsigned bit = 0; bit < 32; bit++) {
		assert_int_equal(verdict(&filter, SYS_ioctl, 0, UINT32_C(1) << bit, 0), ALLOWED);
		assert_int_equal(
			verdict(&filter, SYS_ioctl, 0, TIOCSTI ^ UINT32_C(1) << bit, 0), ALLOWED);
	}
}

static void namespace_flags_are_refused_and_thread_flags_are_not(void **state)
{
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
				CLONE_CHILD_CLEARTID;
	static const uint64_t namespaces[] = { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS,
		CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET };
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	assert_int_equal(verdict(&filter, SYS_clone, thread, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_clone, 17, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_unshare, CLONE_FS | CLONE_FILES, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_unshare, CLONE_NEWTIME, 0, 0), DENIED);
	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
		assert_int_equal(verdict(&filter, SYS_clone, namespaces[i] | 17, 0, 0), DENIED);
		assert_int_equal(verdict(&filter, SYS_clone,
					 thread | namespaces[i] | UINT64_C(1) << 40, 0, 0),
			DENIED);
		assert_int_equal(verdict(&filter, SYS_unshare, namespaces[i], 0, 0), DENIED);
	}
}

static void personality_is_restricted_to_harmless_ones(void **state)
{
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	assert_int_equal(verdict(&filter, SYS_personality, 0xffffffff, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_personality, UINT64_MAX, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_personality, 0x20008, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_personality, 0x40000, 0, 0), ABSENT); /* no ASLR */
	assert_int_equal(
		verdict(&filter, SYS_personality, 0x400000, 0, 0), ABSENT); /* exec reads */
	assert_int_equal(verdict(&filter, SYS_personality, 1, 0, 0), ABSENT);
}

static void devices_cannot_be_made(void **state)
{
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	compile(&nothing, &filter);
	for (uint64_t type = 0; type < 16; type++) {
		uint64_t mode = type << 12 | 0644;
		bool fine = mode == 0644 || S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);

		assert_int_equal(
			verdict(&filter, SYS_mknodat, 0, 0, mode), fine ? ALLOWED : DENIED);
#ifdef SYS_mknod
		assert_int_equal(verdict(&filter, SYS_mknod, 0, mode, 0), fine ? ALLOWED : DENIED);
#endif
	}
}

static void a_group_is_let_through_on_request(void **state)
{
	CLEANUP_STRV struct strv allow = { 0 };
	CLEANUP_BUF struct buf filter = { 0 };

	(void)state;
	strv_add(&allow, "ptrace");
	compile(&allow, &filter);
	assert_int_equal(verdict(&filter, SYS_ptrace, 0, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_process_vm_writev, 0, 0, 0), ALLOWED);
	assert_int_equal(verdict(&filter, SYS_splice, 0, 0, 0), DENIED);
	assert_int_equal(verdict(&filter, SYS_mount, 0, 0, 0), DENIED);
}

static void an_unknown_group_is_named_in_the_error(void **state)
{
	CLEANUP_STRV struct strv allow = { 0 };
	CLEANUP_BUF struct buf filter = { 0 };
	struct error err;

	(void)state;
	strv_add(&allow, "mounts");
	assert_int_equal(filter_compile(&allow, &filter, &err), -1);
	assert_string_equal(err.text, "seccomp filter: no group \"mounts\" to allow");
	assert_string_equal(err.hint, "groups: ptrace, splice");
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(filter.len, 0);
}

static void the_key_changes_with_the_groups_and_not_with_their_order(void **state)
{
	CLEANUP_STRV struct strv one = { 0 }, other = { 0 };
	CLEANUP_BUF struct buf plain = { 0 }, first = { 0 }, second = { 0 };

	(void)state;
	strv_add(&one, "ptrace");
	strv_add(&one, "splice");
	strv_add(&other, "splice");
	strv_add(&other, "ptrace");
	strv_add(&other, "splice");
	filter_key(&nothing, &plain);
	filter_key(&one, &first);
	filter_key(&other, &second);
	assert_string_not_equal(plain.data, first.data);
	assert_string_equal(first.data, second.data);
}

/* A changed table must get a new version, or hosts go on using filters that they have cached. */
static void a_changed_table_has_a_new_version(void **state)
{
	CLEANUP_BUF struct buf table = { 0 };
	struct digest digest;

	(void)state;
	for (size_t i = 0; i < filter_group_count; i++)
		buf_addf(&table, "%s %d %d %s\n", filter_groups[i].name, filter_groups[i].action,
			filter_groups[i].on_request, filter_groups[i].calls);
	for (size_t i = 0; i < filter_check_count; i++) {
		const struct filter_check *check = &filter_checks[i];

		buf_addf(&table, "%s %d %u %x %x %u %x %x %d", check->call, check->conditional,
			check->when_argument, check->when_field, check->when, check->argument,
			check->field, check->known, check->verdict);
		for (size_t j = 0; j < check->value_count; j++)
			buf_addf(&table, " %x", check->values[j]);
	}
	digest_bytes(table.data, table.len, &digest);
	assert_int_equal(FILTER_TABLE_VERSION, 2);
	assert_string_equal(
		digest.hex, "8dff5ecd9e3550bbbf2dad503d14855d6841ad8048368ca02fc7d22f69860959");
}

static void what_is_not_a_program_is_not_loaded(void **state)
{
	struct buf odd = { .data = (char[]){ 1, 2, 3 }, .len = 3 };
	struct buf empty = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(filter_load(&odd, &err), -1);
	assert_string_equal(err.text, "seccomp filter: 3 bytes are not a program");
	assert_int_equal(filter_load(&empty, &err), -1);
	assert_string_equal(err.text, "seccomp filter: 0 bytes are not a program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_known_call_has_one_place_in_the_table),
		cmocka_unit_test(numbers_in_the_table_are_the_ones_that_libseccomp_knows),
		cmocka_unit_test(groups_get_the_verdict_that_the_table_says),
		cmocka_unit_test(calls_newer_than_the_table_do_not_exist),
		cmocka_unit_test(another_architecture_dies),
		cmocka_unit_test(sockets_are_judged_by_family_type_and_protocol),
		cmocka_unit_test(pairs_are_unix_only),
		cmocka_unit_test(terminal_injection_is_refused_whatever_the_high_bits),
		cmocka_unit_test(namespace_flags_are_refused_and_thread_flags_are_not),
		cmocka_unit_test(personality_is_restricted_to_harmless_ones),
		cmocka_unit_test(devices_cannot_be_made),
		cmocka_unit_test(a_group_is_let_through_on_request),
		cmocka_unit_test(an_unknown_group_is_named_in_the_error),
		cmocka_unit_test(the_key_changes_with_the_groups_and_not_with_their_order),
		cmocka_unit_test(a_changed_table_has_a_new_version),
		cmocka_unit_test(what_is_not_a_program_is_not_loaded),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
