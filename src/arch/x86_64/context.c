/* SPDX-License-Identifier: MIT */
/*
 * Contexts: their first frame, and the sanitizer's view of a switch. The
 * instructions are in switch.S.
 */
#include "arch/arch.h"
#include "arch/x86_64/sanitizer.h"

struct arch_context *arch_switch_stacks(struct arch_context *from, struct arch_context *to);
struct arch_context *arch_enter_stack(struct arch_context *from, struct arch_context *to);
void arch_context_start(void);
void arch_call_start(void);
_Noreturn void arch_context_enter(struct arch_context *left, void (*fn)(void *), void *arg);
struct arch_context *arch_call_enter(struct arch_context *left, arch_call_fn *fn, void *arg);

/* What both of them pop, lowest address first. */
struct first_frame {
    ULONG mxcsr;
    ULONG fpcsr;
    ULONG64 r15, r14;
    void *r13;
    void *r12;
    ULONG64 rbx, rbp;
    void (*rip)(void);
    ULONG64 end_of_frames; /* where rsp points at the first call: 16-byte aligned */
    ULONG64 pad[3];
};

static struct first_frame *first_frame(struct arch_context *context, void *stack_low, size_t stack_bytes,
                                       void *arg)
{
    uintptr_t top = ALIGN_DOWN((char *)stack_low + stack_bytes, 64);
    struct first_frame *frame = (struct first_frame *)(top - sizeof(struct first_frame));

    /* Whoever used this stack before may have left frames without returning from them. */
    sanitizer_discard_frames(stack_low, (char *)stack_low + stack_bytes);
    *frame = (struct first_frame){.mxcsr = INITIAL_MXCSR, .fpcsr = INITIAL_FPCSR, .r13 = arg};
    *context = (struct arch_context){.rsp = frame, .stack_low = stack_low, .stack_bytes = stack_bytes};
    return frame;
}

void arch_context_init(struct arch_context *context, void *stack_low, size_t stack_bytes, void (*fn)(void *),
                       void *arg)
{
    struct first_frame *frame = first_frame(context, stack_low, stack_bytes, arg);
    frame->r12 = fn;
    frame->rip = arch_context_start;
}

void arch_context_init_call(struct arch_context *context, void *stack_low, size_t stack_bytes,
                            arch_call_fn *fn, void *arg)
{
    struct first_frame *frame = first_frame(context, stack_low, stack_bytes, arg);
    frame->r12 = fn;
    frame->rbx = (ULONG64)context;
    frame->rip = arch_call_start;
}

/* First code of a new context, called from arch_context_start. */
_Noreturn void arch_context_enter(struct arch_context *left, void (*fn)(void *), void *arg)
{
    sanitizer_finish_switch(NULL, &left->stack_low, &left->stack_bytes);
    fn(arg);
    __builtin_trap();
}

/* The same from arch_call_start; the context that it returns goes on, and this one is gone. */
struct arch_context *arch_call_enter(struct arch_context *left, arch_call_fn *fn, void *arg)
{
    sanitizer_finish_switch(NULL, &left->stack_low, &left->stack_bytes);
    struct arch_context *next = fn(arg);
    sanitizer_start_switch(NULL, next->stack_low, next->stack_bytes);
    return next;
}

void arch_switch(struct arch_context *from, struct arch_context *to)
{
    sanitizer_start_switch(&from->asan_fake_stack, to->stack_low, to->stack_bytes);
    struct arch_context *left = arch_switch_stacks(from, to);
    sanitizer_finish_switch(from->asan_fake_stack, &left->stack_low, &left->stack_bytes);
}

void arch_enter(struct arch_context *from, struct arch_context *to)
{
    sanitizer_start_switch(&from->asan_fake_stack, to->stack_low, to->stack_bytes);
    struct arch_context *left = arch_enter_stack(from, to);
    sanitizer_finish_switch(from->asan_fake_stack, &left->stack_low, &left->stack_bytes);
}
