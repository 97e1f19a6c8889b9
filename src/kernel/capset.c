/* Capabilities of the calling thread. libcap's functions on cap_t allocate, which a child between
 * clone and exec does not; those on single values and its capset(2) do not. The ambient set is
 * cleared without it: cap_reset_ambient asks for every capability before it clears all. */
#include "kernel/capset.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

int capset_bound(uint64_t bounding, struct error *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (bounding >> cap & 1 || cap_drop_bound(cap) == 0)
			continue;
		/* The kernel's list ends where it does not know the number. */
		return errno == EINVAL ? 0 : error_errno(err, "drop capability %d", cap);
	}
	return 0;
}

int capset_apply(const struct capset *set, struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(set->effective >> 32 * i),
			.permitted = (uint32_t)(set->permitted >> 32 * i),
			.inheritable = (uint32_t)(set->inheritable >> 32 * i),
		};
	if (capset(&head, data) < 0)
		return error_errno(err, "set");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, "clear ambient set");
	for (int cap = 0; cap < 64; cap++)
		if (set->ambient >> cap & 1 && cap_set_ambient(cap, CAP_SET) < 0)
			return error_errno(err, "raise ambient capability %d", cap);
	return 0;
}
