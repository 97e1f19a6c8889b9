/* The seccomp filter: the table is turned into libseccomp rules, and those into BPF.
 *
 * Default action ENOSYS, because what the table does not know is newer than it; what it knows and
 * refuses is EPERM. libseccomp cannot say "otherwise" about an argument, so the other values are
 * covered by prefixes: masked comparisons that together match all values but the listed ones. No
 * two rules with different actions overlap, so their order means nothing.
 *
 * libseccomp's binary tree keeps any call within nine comparisons, so no call needs a priority; the
 * kernel moreover answers those that no argument decides from a bitmap, without running the filter.
 *
 * Deliberately absent: filters of others (an OCI config's are another module), logging, and the
 * flags of seccomp(2): TSYNC is not needed, the process is single-threaded when it loads. */
#include "kernel/filter.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "filter_table.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACTION_DENY    SCMP_ACT_ERRNO(EPERM)
#define ACTION_PRETEND SCMP_ACT_ERRNO(ENOSYS)

static void release(scmp_filter_ctx *context)
{
	if (*context)
		seccomp_release(*context);
}
#define CLEANUP_FILTER __attribute__((cleanup(release)))

static int fail(struct error *err, int negative_errno, const char *what)
{
	errno = -negative_errno;
	return error_errno(err, "seccomp filter: %s", what);
}

/* The number of a call here; negative where this architecture does not have it. */
static int number_of(const struct filter_call *call)
{
	return call->number >= 0 ? call->number : seccomp_syscall_resolve_name(call->name);
}

static int add_group(scmp_filter_ctx context, const struct filter_group *group, bool requested,
	struct error *err)
{
	const uint32_t action =
		group->action == FILTER_ALLOW || requested ? SCMP_ACT_ALLOW : ACTION_DENY;
	const char *at = group->calls;
	struct filter_call call;

	if (group->action == FILTER_CHECK || group->action == FILTER_PRETEND)
		return 0; /* the checks add the first, the second is what happens by default */
	while (filter_next_call(&at, &call)) {
		int number = number_of(&call);
		int result = number < 0 ? 0 : seccomp_rule_add(context, action, number, 0);

		if (result < 0)
			return fail(err, result, call.name);
	}
	return 0;
}

static struct scmp_arg_cmp compare(unsigned argument, uint32_t mask, uint32_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, mask, value };
}

static int add_rule(scmp_filter_ctx context, uint32_t action, const struct filter_check *check,
	uint32_t mask, uint32_t value)
{
	struct scmp_arg_cmp compares[2] = { compare(check->argument, mask, value) };
	int number = seccomp_syscall_resolve_name(check->call);

	if (number < 0)
		return 0;
	if (check->conditional)
		compares[1] = compare(check->when_argument, check->when_field, check->when);
	return seccomp_rule_add_array(
		context, action, number, check->conditional ? 2 : 1, compares);
}

/* Adds rules for all values of the check's field that are not listed: goes down the field's bits
 * from the highest, and covers every branch without a listed value by one rule. */
static int add_others(scmp_filter_ctx context, uint32_t action, const struct filter_check *check,
	uint32_t mask, uint32_t value)
{
	uint32_t rest = check->field & ~mask;
	bool listed = false;
	uint32_t bit;
	int result;

	for (size_t i = 0; i < check->value_count; i++)
		listed = listed || (check->values[i] & mask) == value;
	if (!listed)
		return add_rule(context, action, check, mask, value);
	if (rest == 0)
		return 0;
	bit = UINT32_C(1) << (31 - __builtin_clz(rest));
	result = add_others(context, action, check, mask | bit, value);
	return result < 0 ? result : add_others(context, action, check, mask | bit, value | bit);
}

static int add_check(scmp_filter_ctx context, const struct filter_check *check, struct error *err)
{
	const bool inverse = check->verdict == FILTER_NOT;
	const uint32_t listed = inverse ? ACTION_DENY : SCMP_ACT_ALLOW;
	const uint32_t others = inverse ? SCMP_ACT_ALLOW : ACTION_DENY;
	int result = 0;

	for (size_t i = 0; i < check->value_count && check->verdict != FILTER_REFINED; i++) {
		result = add_rule(context, listed, check, check->field, check->values[i]);
		if (result < 0)
			return fail(err, result, check->call);
	}
	if (check->known)
		result = add_others(context, others, check, check->field & ~check->known, 0);
	return result < 0 ? fail(err, result, check->call) : 0;
}

static int check_groups(const struct strv *allow, struct error *err)
{
	CLEANUP_BUF struct buf names = { 0 };
	size_t known;

	for (size_t i = 0; i < filter_group_count; i++)
		if (filter_groups[i].on_request)
			buf_addf(&names, "%s%s", names.len ? ", " : "", filter_groups[i].name);
	for (size_t i = 0; i < allow->len; i++) {
		for (known = 0; known < filter_group_count; known++)
			if (filter_groups[known].on_request &&
				strcmp(filter_groups[known].name, allow->items[i]) == 0)
				break;
		if (known < filter_group_count)
			continue;
		error_set(err, ERROR_CONFIG, "seccomp filter: no group \"%.40s\" to allow",
			allow->items[i]);
		return error_hint(err, "groups: %s", names.data);
	}
	return 0;
}

static int export(scmp_filter_ctx context, struct buf *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = memfd_create("isorun-filter", MFD_CLOEXEC);
	int result;

	if (fd < 0)
		return error_errno(err, "seccomp filter: memory file");
	result = seccomp_export_bpf(context, fd);
	if (result < 0)
		return fail(err, result, "export");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "seccomp filter: memory file");
	return file_read_all(fd, BPF_MAXINSNS * sizeof(struct sock_filter), ret, err);
}

int filter_compile(const struct strv *allow, struct buf *ret, struct error *err)
{
	CLEANUP_FILTER scmp_filter_ctx context = NULL;
	int result;

	if (check_groups(allow, err) < 0)
		return -1;
	context = seccomp_init(ACTION_PRETEND);
	if (!context)
		return error_set(err, ERROR_FAILED, "seccomp filter: libseccomp does not start");
	result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result < 0)
		return fail(err, result, "attributes");
	for (size_t i = 0; i < filter_group_count; i++)
		if (add_group(context, &filter_groups[i], strv_has(allow, filter_groups[i].name),
			    err) < 0)
			return -1;
	for (size_t i = 0; i < filter_check_count; i++)
		if (add_check(context, &filter_checks[i], err) < 0)
			return -1;
	return export(context, ret, err);
}

void filter_key(const struct strv *allow, struct buf *ret)
{
	const struct scmp_version *version = seccomp_version();

	buf_addf(ret, "isorun %s filter table %d, libseccomp %u.%u.%u, architecture %#x, allow",
		ISORUN_VERSION, FILTER_TABLE_VERSION, version->major, version->minor,
		version->micro, seccomp_arch_native());
	for (size_t i = 0; i < filter_group_count; i++)
		if (strv_has(allow, filter_groups[i].name))
			buf_addf(ret, " %s", filter_groups[i].name);
}

int filter_load(const struct buf *filter, struct error *err)
{
	struct sock_fprog program = {
		.len = (unsigned short)(filter->len / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(void *)filter->data,
	};

	if (filter->len == 0 || filter->len % sizeof(struct sock_filter) ||
		filter->len / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return error_set(err, ERROR_INTEGRITY,
			"seccomp filter: %zu bytes are not a program", filter->len);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return error_errno(err, "seccomp filter");
	return 0;
}
