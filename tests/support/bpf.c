/* An interpreter for the instructions that libseccomp writes; anything else aborts the test. */
#include "bpf.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static bool jumps(const struct sock_filter *at, uint32_t accumulator)
{
	switch (BPF_OP(at->code)) {
	case BPF_JEQ:
		return accumulator == at->k;
	case BPF_JGT:
		return accumulator > at->k;
	case BPF_JGE:
		return accumulator >= at->k;
	case BPF_JSET:
		return accumulator & at->k;
	default:
		abort();
	}
}

uint32_t bpf_run(const struct buf *filter, const struct bpf_call *call)
{
	const struct sock_filter *program = (const void *)filter->data;
	const size_t len = filter->len / sizeof *program;
	struct seccomp_data data = { .nr = (int)call->number,
		.arch = call->arch == BPF_NATIVE ? NATIVE : call->arch };
	uint32_t accumulator = 0;

	memcpy(data.args, call->arguments, sizeof call->arguments);
	for (size_t at = 0; at < len; at++) {
		const struct sock_filter *step = &program[at];

		switch (step->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (step->k % 4 || step->k > sizeof data - 4)
				abort();
			memcpy(&accumulator, (const char *)&data + step->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			accumulator &= step->k;
			break;
		case BPF_JMP | BPF_JA:
			at += step->k;
			break;
		case BPF_RET | BPF_K:
			return step->k;
		default:
			if (BPF_CLASS(step->code) != BPF_JMP || BPF_SRC(step->code) != BPF_K)
				abort();
			at += jumps(step, accumulator) ? step->jt : step->jf;
		}
	}
	abort();
}
