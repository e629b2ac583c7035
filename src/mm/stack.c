/* SPDX-License-Identifier: MIT */
/*
 * NT stacks. Drivers may use the 24 KiB at the top, as on Windows; the rest is
 * the runtime's own share (the gates' records among it: arch_thread_init). A
 * page on either side stays inaccessible.
 */
#include "mm/mm.h"

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES (256 * 1024) /* instrumented frames are several times as large */
void __asan_unpoison_memory_region(const volatile void *address, size_t size);
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
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(low,
                                  STACK_BYTES); /* frames of a thread that ended here without returning */
#endif
    *stack = (struct mm_stack){low, STACK_BYTES, low + STACK_BYTES - DRIVER_STACK_BYTES};
    return STATUS_SUCCESS;
}

void mm_stack_destroy(struct mm_stack *stack)
{
    hmem_release(stack->low, stack->bytes / PAGE_SIZE);
    *stack = (struct mm_stack){0};
}
