/* Why a user namespace was refused: settings read from a tree that looks like a host's, and the
 * judgement, to the letter. */
#include "kernel/refusal.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A host on which nothing forbids anything. */
static const struct refusal plain = {
	.unprivileged_clone = REFUSAL_UNKNOWN,
	.most = 96365,
	.apparmor = REFUSAL_UNKNOWN,
	.built = true,
	.mapped = true,
	.rooted = true,
};

static void put(int root, const char *name, const char *text)
{
	char dir[128];
	CLEANUP_CLOSE int made = -1;
	struct error err;

	(void)snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(name, '/') - name), name);
	made = file_open_dir(root, dir, 0755, &err);
	assert_true(made >= 0);
	assert_int_equal(
		file_write_at(made, strrchr(name, '/') + 1, 0644, text, strlen(text), &err), 0);
}

struct tree {
	char path[32];
	int root;
};

static struct tree make_tree(void)
{
	struct tree tree = { .path = "/tmp/isorun-refusal-XXXXXX" };

	assert_non_null(mkdtemp(tree.path));
	tree.root = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(tree.root >= 0);
	return tree;
}

static void remove_tree(struct tree *tree)
{
	struct error err;

	assert_int_equal(file_remove_tree(AT_FDCWD, tree->path, &err), 0);
	close(tree->root);
}

static void settings_are_read_as_the_host_has_them(void **state)
{
	struct tree tree = make_tree();
	struct refusal found;

	(void)state;
	put(tree.root, "proc/sys/kernel/unprivileged_userns_clone", "0\n");
	put(tree.root, "proc/sys/user/max_user_namespaces", "28633\n");
	put(tree.root, "proc/sys/user/max_net_namespaces", "28633\n");
	put(tree.root, "proc/sys/user/max_pid_namespaces", "0\n");
	put(tree.root, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	put(tree.root, "proc/self/uid_map", "         0          0 4294967295\n");
	put(tree.root, "proc/self/gid_map", "         0          0 4294967295\n");
	put(tree.root, "proc/self/mountinfo",
		"9 8 0:1 / /proc rw - proc p rw\n7 8 0:3 / / rw - x x rw\n");
	put(tree.root, "proc/self/status",
		"Name:\tSeccomp:\t2\nCapEff:\t000001ffffffffff\nSeccomp:\t2\nSeccomp_filters:"
		"\t1\n");
	put(tree.root, "proc/self/attr/apparmor/current", "docker-default (enforce)\n");

	refusal_read(tree.root, &found);

	assert_int_equal(found.unprivileged_clone, 0);
	assert_int_equal(found.most, 28633);
	assert_int_equal(found.apparmor, 1);
	assert_string_equal(found.none, "pid");
	assert_true(found.built && found.mapped && found.rooted && found.filtered);
	assert_true(found.privileged);
	assert_false(found.refused);
	assert_string_equal(found.label, "docker-default (enforce)");
	remove_tree(&tree);
}

static void root_of_a_container_is_not_privileged(void **state)
{
	struct tree tree = make_tree();
	struct refusal mapped, powerless;

	(void)state;
	put(tree.root, "proc/self/uid_map", "0 100000 65536\n");
	put(tree.root, "proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n");
	refusal_read(tree.root, &mapped);
	put(tree.root, "proc/self/uid_map", "0 0 4294967295\n");
	put(tree.root, "proc/self/status", "Name:\tx\nCapEff:\t00000000a80425fb\nSeccomp:\t1\n");
	refusal_read(tree.root, &powerless);

	assert_false(mapped.privileged);
	assert_false(powerless.privileged);
	assert_false(mapped.filtered || powerless.filtered);
	remove_tree(&tree);
}

static void what_is_absent_or_odd_is_held_against_nobody(void **state)
{
	struct tree tree = make_tree();
	struct refusal empty, odd;

	(void)state;
	refusal_read(tree.root, &empty);
	put(tree.root, "proc/sys/kernel/unprivileged_userns_clone", "-1\n");
	put(tree.root, "proc/sys/user/max_user_namespaces", "");
	put(tree.root, "proc/self/status", "");
	put(tree.root, "proc/self/mountinfo", "\n\n1 2\n");
	refusal_read(tree.root, &odd);

	assert_true(empty.built && empty.mapped && empty.rooted);
	assert_false(empty.privileged || empty.filtered);
	assert_int_equal(empty.most, REFUSAL_UNKNOWN);
	assert_int_equal(odd.unprivileged_clone, REFUSAL_UNKNOWN);
	assert_int_equal(odd.most, REFUSAL_UNKNOWN);
	assert_false(odd.rooted);
	assert_false(odd.built);
	remove_tree(&tree);
}

static void assert_says(
	const struct refusal *refusal, int errnum, const char *text, const char *hint)
{
	struct error err;

	assert_int_equal(refusal_judge(refusal, errnum, &err), -1);
	assert_string_equal(err.text, text);
	assert_string_equal(err.hint, hint);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_int_equal(err.errnum, errnum);
}

static void debian_s_setting_is_named(void **state)
{
	struct refusal host = plain, root = plain;

	(void)state;
	host.unprivileged_clone = 0;
	host.filtered = true;
	assert_says(&host, EPERM,
		"user namespace: only root may make one: kernel.unprivileged_userns_clone is 0",
		"sudo sysctl -w kernel.unprivileged_userns_clone=1");

	root.unprivileged_clone = 0;
	root.privileged = true;
	assert_says(&root, EPERM, "user namespace: the kernel refuses it, as it does in a chroot",
		"enter the chroot with pivot_root(8) in a mount namespace");
}

static void the_limit_is_named_with_its_value(void **state)
{
	struct refusal host = plain;

	(void)state;
	assert_says(&host, ENOSPC,
		"user namespace: no more are allowed: user.max_user_namespaces is 96365",
		"sudo sysctl -w user.max_user_namespaces=192730");
	host.most = 2;
	assert_says(&host, EUSERS,
		"user namespace: no more are allowed: user.max_user_namespaces is 2",
		"sudo sysctl -w user.max_user_namespaces=15000");
	host.most = 0;
	assert_says(&host, ENOSPC, "user namespace: none is allowed: user.max_user_namespaces is 0",
		"sudo sysctl -w user.max_user_namespaces=15000");
	host.most = 96365;
	strcpy(host.none, "net");
	assert_says(&host, ENOSPC,
		"user namespace: nothing else fits in: user.max_net_namespaces is 0",
		"sudo sysctl -w user.max_net_namespaces=15000");
	host.none[0] = '\0';
	host.most = INT32_MAX;
	assert_says(&host, ENOSPC,
		"user namespace: no more are allowed: user.max_user_namespaces outside of this "
		"container is reached, or 32 of them are nested",
		"outside: sudo sysctl -w user.max_user_namespaces=15000");
}

static void ubuntu_s_restriction_is_named_to_those_whom_it_holds(void **state)
{
	static const char text[] = "user namespace: AppArmor leaves it no rights: "
				   "kernel.apparmor_restrict_unprivileged_userns is 1";
	static const char hint[] =
		"install isorun's profile (sudo make install), or sudo sysctl -w "
		"kernel.apparmor_restrict_unprivileged_userns=0";
	struct refusal host = plain;

	(void)state;
	host.apparmor = 1;
	strcpy(host.label, "unconfined");
	assert_says(&host, EPERM, text, hint);
	assert_says(&host, EACCES, text, hint);
	strcpy(host.label, "unprivileged_userns (enforce)");
	assert_says(&host, EPERM, text, hint);

	strcpy(host.label, "isorun (unconfined)");
	assert_says(&host, EPERM, "user namespace: the kernel refuses it, as it does in a chroot",
		"enter the chroot with pivot_root(8) in a mount namespace");
	strcpy(host.label, "docker-default (enforce)");
	assert_says(&host, EACCES,
		"user namespace: AppArmor's profile docker-default (enforce) refuses it",
		"sudo dmesg | grep -i denied shows the rule");
}

static void a_filter_on_isorun_itself_is_told_from_the_kernel(void **state)
{
	static const char text[] =
		"user namespace: the seccomp filter that isorun was started under refuses it";
	static const char docker[] =
		"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
		"--security-opt systempaths=unconfined …";
	struct refusal host = plain;

	(void)state;
	host.filtered = true;
	assert_says(&host, EPERM, text, "in a systemd unit: RestrictNamespaces=no");
	host.refused = true;
	assert_says(&host, EPERM, text, docker);
	assert_says(&host, ENOSYS, text, docker);
}

static void the_rest_is_known_by_what_is_left_over(void **state)
{
	struct refusal chroot = plain, unmapped = plain, without = plain, old = plain;

	(void)state;
	chroot.rooted = false;
	assert_says(&chroot, EPERM, "user namespace: the kernel refuses it in a chroot",
		"enter the chroot with pivot_root(8) in a mount namespace");
	unmapped.mapped = false;
	assert_says(&unmapped, EPERM,
		"user namespace: isorun's own user or group is mapped to none outside",
		"unshare --user --map-current-user");
	without.built = false;
	assert_says(&without, EINVAL, "user namespace: this kernel has none (CONFIG_USER_NS)",
		"start a kernel with CONFIG_USER_NS=y");
	assert_says(&old, ENOSYS, "user namespace: this kernel is too old for it",
		"isorun needs Linux 6.1 or newer");
	assert_says(&plain, EACCES, "user namespace: a security module refuses it",
		"sudo dmesg | grep -i denied shows the rule");
}

static void root_that_is_none_is_told_so(void **state)
{
	struct refusal host = plain;
	struct error lacking, filtered;

	(void)state;
	assert_int_equal(refusal_judge_root(&host, EPERM, &lacking), -1);
	host.filtered = host.refused = true;
	assert_int_equal(refusal_judge_root(&host, EPERM, &filtered), -1);

	assert_string_equal(lacking.text, "mount namespace: this root lacks CAP_SYS_ADMIN");
	assert_string_equal(lacking.hint,
		"run isorun as an ordinary user, who needs no capability, or docker run --cap-add "
		"SYS_ADMIN …");
	assert_int_equal(lacking.kind, ERROR_UNSUPPORTED);
	assert_string_equal(filtered.text,
		"mount namespace: the seccomp filter that isorun was started under refuses it");
}

static void what_no_setting_explains_keeps_its_errno(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(refusal_judge(&plain, ENOMEM, &err), -1);

	assert_string_equal(err.text, "user namespace: Cannot allocate memory");
	assert_string_equal(err.hint, "");
	assert_int_equal(err.kind, ERROR_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read_as_the_host_has_them),
		cmocka_unit_test(root_of_a_container_is_not_privileged),
		cmocka_unit_test(what_is_absent_or_odd_is_held_against_nobody),
		cmocka_unit_test(debian_s_setting_is_named),
		cmocka_unit_test(the_limit_is_named_with_its_value),
		cmocka_unit_test(ubuntu_s_restriction_is_named_to_those_whom_it_holds),
		cmocka_unit_test(a_filter_on_isorun_itself_is_told_from_the_kernel),
		cmocka_unit_test(the_rest_is_known_by_what_is_left_over),
		cmocka_unit_test(root_that_is_none_is_told_so),
		cmocka_unit_test(what_no_setting_explains_keeps_its_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
