/* SPDX-License-Identifier: MIT */
/*
 * The C half of the injected call (preempt.S): what of the processor's state
 * must be saved, and the record through which others walk past it.
 */
#include "arch/x86_64/fault.h"

#include <cpuid.h>

/* x87, SSE, AVX, AVX-512: what the kernel lets driver code of ours use without asking it first */
#define STATE_COMPONENTS 0xE7
#define XSAVE_HEADER_END 576

ULONG preempt_mask;         /* 0: no xsave here */
ULONG64 preempt_area_bytes; /* of the save area */

/* As the stub pushed it. */
struct preempt_frame {
    ULONG64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    ULONG64 rflags, rip;
    UCHAR below_stack_pointer[128];
};

static ULONG enabled_components(void)
{
    ULONG low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & STATE_COMPONENTS;
}

/* Where the last enabled component ends in the standard format. */
static ULONG64 area_bytes(ULONG components)
{
    ULONG64 end = XSAVE_HEADER_END;
    ULONG a, b, c, d;

    for (unsigned i = 2; i < 32; i++) {
        if (!(components >> i & 1))
            continue;
        __cpuid_count(0xD, i, a, b, c, d);
        end = MAX(end, (ULONG64)a + b);
    }
    return ALIGN_UP(end, 64);
}

void preempt_init(void)
{
    ULONG a, b, c = 0, d;

    preempt_mask = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE)
        preempt_mask = enabled_components();
    preempt_area_bytes = area_bytes(preempt_mask);
}

void preempt_dispatch(struct preempt_frame *frame, const XSAVE_FORMAT *state);

void preempt_dispatch(struct preempt_frame *frame, const XSAVE_FORMAT *state)
{
    struct arch_record link = {.previous = thread_here()->records,
                               .type = ARCH_RECORD_TRAP,
                               .rip = frame->rip,
                               .rsp = (ULONG64)(frame + 1),
                               .rbx = frame->rbx,
                               .rbp = frame->rbp,
                               .rsi = frame->rsi,
                               .rdi = frame->rdi,
                               .r12 = frame->r12,
                               .r13 = frame->r13,
                               .r14 = frame->r14,
                               .r15 = frame->r15};

    __builtin_memcpy(link.xmm, &state->XmmRegisters[6], sizeof(link.xmm));
    thread_here()->records = &link;
    arch_ops.preempt();
    thread_here()->records = link.previous;
}
