/* SPDX-License-Identifier: MIT */
/*
 * Our own frames in the chain of handlers (ARCH_TRY, ARCH_CATCH), and guarded
 * copies for the layers above.
 */
#include "arch/x86_64/unwind.h"

bool guarded_copy(void *to, const void *from, size_t length);

/* The record counts for frames below the caller's: what the caller calls returns to a lower stack pointer. */
__attribute__((noinline)) void arch_try_push(struct arch_try *t, enum arch_record_type type)
{
    struct arch_thread *thread = arch_ops.current();

    t->record.previous = thread->records;
    t->record.type = type;
    t->record.rip = (ULONG64)__builtin_return_address(0);
    t->record.rsp = (ULONG64)__builtin_frame_address(0) + 24;
    t->record.entry = NULL;
    t->record.owner = thread->gate_top;
    t->kept = thread->kept;
    thread->records = &t->record;
}

void arch_try_pop(struct arch_try *t)
{
    struct arch_thread *thread = arch_ops.current();

    if (unlikely(thread->records !=
                 &t->record)) /* a driver left by a jump of its own: its entries are dead */
        thread->gate_top = t->record.owner;
    thread->records = t->record.previous;
    thread->kept = t->kept;
}

NTSTATUS arch_copy_guarded(void *to, const void *from, size_t length)
{
    return guarded_copy(to, from, length) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}
