/* SPDX-License-Identifier: MIT */
/*
 * An NT thread as the CPU layer sees it: its stack, and the place of the gates'
 * records. Running out of the latter faults in the gate, which is reported as
 * the overflow of the stack that it is.
 */
#include "arch/arch.h"
#include "host/memory.h"

struct arch_ops arch_ops;

void arch_thread_init(struct arch_thread *thread, void *stack_low, size_t stack_bytes)
{
    size_t records_bytes = ALIGN_DOWN(stack_bytes / 4, PAGE_SIZE);
    char *low = stack_low;

    RL_ASSERT(stack_bytes >= 8 * PAGE_SIZE && (uintptr_t)low % PAGE_SIZE == 0);
    *thread = (struct arch_thread){
        .gate_top = low + records_bytes,
        .records_low = low,
        .records_high = low + records_bytes,
        .stack_low = low + records_bytes + PAGE_SIZE,
        .stack_high = low + stack_bytes,
    };
    RL_ASSERT(NT_SUCCESS(hmem_protect(low + records_bytes, 1, HMEM_NONE)));
}
