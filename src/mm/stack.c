/* SPDX-License-Identifier: MIT */
/*
 * NT stacks. Drivers may use the 24 KiB at the top, as on Windows; the rest is
 * the runtime's own share (the gates' records among it: arch_thread_init). A
 * page on either side stays inaccessible.
 */
#include "base/sanitizer.h"
#include "mm/mm.h"

#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES (256 * 1024) /* instrumented frames are several times as large */
#else
#define STACK_BYTES (64 * 1024)
#endif
#define DRIVER_STACK_BYTES (24 * 1024)

NTSTATUS mm_stack_create(struct mm_stack *stack)
{
    char *low = hmem_reserve(HMEM_STACK, STACK_BYTES / PAGE_SIZE, 1, 1);
    if (low == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = hmem_commit(low, STACK_BYTES / PAGE_SIZE, HMEM_RW);
    if (!NT_SUCCESS(status)) {
        hmem_release(low, STACK_BYTES / PAGE_SIZE);
        return status;
    }
    sanitizer_unpoison(low, STACK_BYTES); /* frames of a thread that ended here without returning */
    *stack = (struct mm_stack){low, STACK_BYTES, low + STACK_BYTES - DRIVER_STACK_BYTES};
    return STATUS_SUCCESS;
}

void mm_stack_destroy(struct mm_stack *stack)
{
    hmem_release(stack->low, stack->bytes / PAGE_SIZE);
    *stack = (struct mm_stack){0};
}
