/* isorun's filter against the one that Podman and Docker use by default: every difference is known
 * and has a reason. docs/seccomp.md is printed from the same tables, and compared with them here:
 *
 *	ISORUN_WRITE_DOCS=1 build/tests/security/test_seccomp
 */
#include "../../src/kernel/filter_table.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "kernel/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THEIRS "/usr/share/containers/seccomp.json" /* golang-github-containers-common */
#define DOCS   "docs/seccomp.md"

/* What a process without capabilities gets. */
enum verdict { ABSENT, DENIED, CHECKED, ALLOWED };

static const char *const verdict_names[] = { "ENOSYS", "EPERM", "by argument", "allowed" };

static const struct {
	const char *calls;
	enum verdict theirs, ours;
	const char *reason;
} differences[] = {
	{ "fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root "
	  "umount2",
		ALLOWED, DENIED,
		"theirs leave these to capabilities, which a user namespace hands out; an instance "
		"has "
		"no use for them" },
	{ "clone unshare", ALLOWED, CHECKED,
		"a user namespace opens most of the kernel to anybody" },
	{ "clone3", ALLOWED, ABSENT,
		"its flags cannot be seen; with it, the check of clone would be for nothing" },
	{ "socketpair mknod mknodat ioctl", ALLOWED, CHECKED,
		"the few values that are refused have no use in a service" },
	{ "ptrace process_vm_readv process_vm_writev pidfd_getfd", ALLOWED, DENIED,
		"a debugger's; a release may ask for them" },
	{ "splice tee", ALLOWED, DENIED,
		"Dirty Pipe (CVE-2022-0847) needed them; programs fall back to read and write, and "
		"a "
		"release may ask for them (Go's io.Copy between two sockets is one that does not "
		"fall back)" },
	{ "keyctl", ALLOWED, DENIED, "key rings are not divided by any namespace of ours" },
	{ "add_key request_key", ABSENT, DENIED,
		"the kernel has them, so it is not a missing call" },
	{ "io_uring_setup io_uring_enter io_uring_register", ABSENT, DENIED,
		"likewise: libraries take both for an answer" },
	{ "fanotify_mark", ALLOWED, DENIED, "of no use without fanotify_init, which both refuse" },
	{ "syslog reboot", ALLOWED, DENIED,
		"theirs leave these to capabilities; the kernel's log may be readable without" },
	{ "modify_ldt", ALLOWED, DENIED, "16-bit code; a record of kernel holes" },
	{ "epoll_ctl_old epoll_wait_old", ALLOWED, ABSENT, "the kernel never had them" },
	{ "io_pgetevents", DENIED, ALLOWED,
		"io_getevents with a signal mask; refusing one and not the other gains nothing" },
	{ "futex_waitv futex_wake futex_wait futex_requeue", ABSENT, ALLOWED,
		"newer than theirs; what futex does, in separate calls" },
	{ "cachestat fchmodat2 map_shadow_stack set_mempolicy_home_node mseal", ABSENT, ALLOWED,
		"newer than theirs; about the process's own files and memory" },
	{ "setxattrat getxattrat listxattrat removexattrat statmount listmount lsm_get_self_attr "
	  "lsm_list_modules",
		ABSENT, ALLOWED, "newer than theirs; older calls and /proc say the same" },
	{ "quotactl_fd open_tree_attr", ABSENT, DENIED,
		"newer than theirs; what mounts and quotactl "
		"can, which are refused" },
};
enum { DIFFERENCES = sizeof differences / sizeof *differences };

static bool lists(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static enum verdict ours(const char *name)
{
	static const enum verdict verdicts[] = {
		[FILTER_ALLOW] = ALLOWED,
		[FILTER_CHECK] = CHECKED,
		[FILTER_DENY] = DENIED,
		[FILTER_PRETEND] = ABSENT,
	};

	for (size_t i = 0; i < filter_group_count; i++) {
		const char *at = filter_groups[i].calls;
		struct filter_call call;

		while (filter_next_call(&at, &call))
			if (strcmp(call.name, name) == 0)
				return verdicts[filter_groups[i].action];
	}
	return ABSENT;
}

/* Whether a rule of theirs applies here to a process without capabilities. */
static bool applies(const json_t *rule)
{
	const json_t *includes = json_object_get(rule, "includes");
	const json_t *arches = json_object_get(includes, "arches");
	const json_t *arch;
	size_t index;
#ifdef __x86_64__
	const char *native = "amd64";
#else
	const char *native = "arm64";
#endif

	if (json_array_size(json_object_get(includes, "caps")) > 0)
		return false;
	if (json_array_size(arches) == 0)
		return true;
	json_array_foreach (arches, index, arch)
		if (strcmp(json_string_value(arch), native) == 0)
			return true;
	return false;
}

static bool names(const json_t *rule, const char *name)
{
	const json_t *item;
	size_t index;

	json_array_foreach (json_object_get(rule, "names"), index, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

static enum verdict theirs(const json_t *profile, const char *name)
{
	enum verdict verdict = ABSENT;
	const json_t *rule;
	size_t index;

	json_array_foreach (json_object_get(profile, "syscalls"), index, rule) {
		const char *action = json_string_value(json_object_get(rule, "action"));

		if (!names(rule, name) || !applies(rule))
			continue;
		if (json_array_size(json_object_get(rule, "args")) > 0)
			return CHECKED;
		verdict = strcmp(action, "SCMP_ACT_ALLOW") == 0 ? ALLOWED : DENIED;
	}
	return verdict;
}

static bool is_known(const char *name, enum verdict their, enum verdict our)
{
	for (size_t i = 0; i < DIFFERENCES; i++)
		if (differences[i].theirs == their && differences[i].ours == our &&
			lists(differences[i].calls, name))
			return true;
	return false;
}

static void every_difference_from_the_usual_filter_has_a_reason(void **state)
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_JSON json_t *profile = NULL;
	struct error err;
	int unexplained = 0;

	(void)state;
	if (file_read_at(AT_FDCWD, THEIRS, 1 << 20, &text, &err) < 0) {
		print_message("%s (package golang-github-containers-common)\n", err.text);
		skip();
	}
	assert_int_equal(json_parse(THEIRS, text.data, text.len, &profile, &err), 0);
	for (int number = 0; number < 512; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
		enum verdict their = name ? theirs(profile, name) : ABSENT;
		enum verdict our = name ? ours(name) : ABSENT;

		if (their != our && !is_known(name, their, our)) {
			print_message("%s: theirs %s, ours %s\n", name, verdict_names[their],
				verdict_names[our]);
			unexplained++;
		}
		free(name);
	}
	assert_int_equal(unexplained, 0);
}

static void a_difference_that_is_explained_is_what_we_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < DIFFERENCES; i++) {
		CLEANUP_FREE char *calls = strdup(differences[i].calls);
		char *next = calls, *name;

		while ((name = strsep(&next, " ")))
			if (ours(name) != differences[i].ours)
				fail_msg("%s: ours is %s", name, verdict_names[ours(name)]);
	}
}

static void print_group(const struct filter_group *group, struct buf *ret)
{
	const char *at = group->calls;
	struct filter_call call;

	buf_addf(ret, "| %s%s | ", group->name, group->on_request ? " (on request)" : "");
	while (filter_next_call(&at, &call))
		buf_addf(ret, "%s ", call.name);
	buf_addf(ret, "| %s |\n", group->reason);
}

static void print_groups(
	enum filter_action action, const char *title, const char *text, struct buf *ret)
{
	buf_addf(ret, "\n## %s\n\n%s\n\n| group | calls | why |\n| --- | --- | --- |\n", title,
		text);
	for (size_t i = 0; i < filter_group_count; i++)
		if (filter_groups[i].action == action)
			print_group(&filter_groups[i], ret);
}

static void print_check(const struct filter_check *check, struct buf *ret)
{
	static const char *const verdicts[] = {
		[FILTER_ONLY] = "only",
		[FILTER_NOT] = "all but",
		[FILTER_REFINED] = "only",
	};

	buf_addf(ret, "| %s | %u", check->call, check->argument + 1);
	if (check->conditional)
		buf_addf(ret, ", where %u is %#x", check->when_argument + 1, check->when);
	buf_addf(ret, " | %#x | %s", check->field, verdicts[check->verdict]);
	for (size_t i = 0; i < check->value_count; i++)
		buf_addf(ret, " %#x", check->values[i]);
	buf_addf(ret, " | %s |\n", check->reason);
}

static void print_docs(struct buf *ret)
{
	buf_add_str(ret,
		"# The seccomp filter\n\n"
		"Printed from src/kernel/filter_table.c by tests/security/test_seccomp.c; a test "
		"fails when it is out of date.\n\n"
		"Every process of a release runs under it, and one that `exec` adds. It lets "
		"through "
		"what is listed\nas allowed and answers EPERM to what it knows and refuses. What "
		"it "
		"does not know is newer than it and\ndoes not exist (ENOSYS): libraries then take "
		"the older way. A call through another ABI (32-bit, x32)\nkills the process.\n\n"
		"A group marked \"on request\" is let through for a process type whose entry in "
		"`isorun.json`\nsays `\"seccomp\": {\"allow\": [\"ptrace\"]}`.\n");
	print_groups(FILTER_DENY, "Refused: EPERM",
		"The kernel has these; a service does not need "
		"them.",
		ret);
	print_groups(FILTER_PRETEND, "Absent: ENOSYS",
		"So that callers fall back to something else.", ret);
	buf_add_str(ret,
		"\n## Decided by an argument\n\n"
		"Of the argument only the bits of the mask are compared, so nothing hides in the "
		"upper half of a\nregister. Other values are EPERM\nor, where no kernel knows "
		"them, ENOSYS; so are other personalities.\n\n"
		"| call | argument | mask | values let through | why |\n"
		"| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < filter_check_count; i++)
		print_check(&filter_checks[i], ret);
	print_groups(FILTER_ALLOW, "Allowed", "The kernel's own checks apply.", ret);
	buf_add_str(ret, "\n## Differences from the filter that Podman and Docker use\n\n"
			 "Compared with `seccomp.json` of Debian 12's "
			 "golang-github-containers-common, for a process without capabilities.\n\n"
			 "| calls | theirs | ours | why |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < DIFFERENCES; i++)
		buf_addf(ret, "| %s | %s | %s | %s |\n", differences[i].calls,
			verdict_names[differences[i].theirs], verdict_names[differences[i].ours],
			differences[i].reason);
}

static void the_documentation_says_what_the_table_says(void **state)
{
	CLEANUP_BUF struct buf wanted = { 0 }, there = { 0 };
	struct error err;

	(void)state;
	print_docs(&wanted);
	if (getenv("ISORUN_WRITE_DOCS"))
		assert_int_equal(
			file_write_at(AT_FDCWD, DOCS, 0644, wanted.data, wanted.len, &err), 0);
	if (file_read_at(AT_FDCWD, DOCS, 1 << 20, &there, &err) < 0)
		fail_msg("%s (run from the top of the tree)", err.text);
	assert_string_equal(there.data, wanted.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_difference_from_the_usual_filter_has_a_reason),
		cmocka_unit_test(a_difference_that_is_explained_is_what_we_do),
		cmocka_unit_test(the_documentation_says_what_the_table_says),
	};

	return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
