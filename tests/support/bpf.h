/* Runs a seccomp filter on a made-up call, as the kernel would: seccomp(2), bpf of old. */
#ifndef SUPPORT_BPF_H
#define SUPPORT_BPF_H

#include "base/buf.h"

#include <stdint.h>

enum { BPF_NATIVE = 0 }; /* as arch: this machine's own */

struct bpf_call {
	uint32_t arch; /* AUDIT_ARCH_*, or BPF_NATIVE */
	uint32_t number;
	uint64_t arguments[6];
};

/* The filter's verdict, SECCOMP_RET_* with its data; aborts on a program the kernel would refuse.
 */
uint32_t bpf_run(const struct buf *filter, const struct bpf_call *call);

#endif
