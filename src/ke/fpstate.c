/* SPDX-License-Identifier: MIT */
/*
 * Floating-point and extended processor state of drivers. Threads keep theirs
 * over every switch and interruption; what a driver gains from these calls is
 * a clean environment in between, and its old registers afterwards. Extended
 * state needs an XSAVE area: they come from pages of our own, kept for reuse.
 */
#include "ke/ke.h"
#include "base/lock.h"
#include "host/memory.h"

/* x64 kernel code computes with SSE: the state that matters to the caller is MXCSR. */
EXPORT(ntoskrnl, KeSaveFloatingPointState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeSaveFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    FloatSave->Dummy = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(INITIAL_MXCSR);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, KeRestoreFloatingPointState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeRestoreFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    __builtin_ia32_ldmxcsr(FloatSave->Dummy);
    return STATUS_SUCCESS;
}

/* ---- XSAVE areas ---- */

enum { AREA_PAGES = 3 }; /* all of AVX-512, and the header */

static rl_lock lock;
static void *free_areas; /* linked through their first word */

static void *area_allocate(void)
{
    rl_lock_acquire(&lock);
    void **area = free_areas;
    if (area != NULL)
        free_areas = *area;
    rl_lock_release(&lock);
    if (area != NULL)
        return area;
    void *pages = hmem_reserve(HMEM_SYSTEM, AREA_PAGES, 1, 0);
    if (pages == NULL || NT_SUCCESS(hmem_commit(pages, AREA_PAGES, HMEM_RW)))
        return pages;
    hmem_release(pages, AREA_PAGES);
    return NULL;
}

static void area_free(void *area)
{
    rl_lock_acquire(&lock);
    *(void **)area = free_areas;
    free_areas = area;
    rl_lock_release(&lock);
}

void fpstate_fini(void)
{
    while (free_areas != NULL) {
        void *area = free_areas;
        free_areas = *(void **)area;
        hmem_release(area, AREA_PAGES);
    }
}

__attribute__((target("xsave"))) static void save(void *area, ULONG64 mask)
{
    ULONG64 *header = (ULONG64 *)((char *)area + 512);
    for (unsigned i = 0; i < 8; i++)
        header[i] = 0;
    __builtin_ia32_xsave64(area, (LONGLONG)mask);
}

__attribute__((target("xsave"))) static void restore(void *area, ULONG64 mask)
{
    __builtin_ia32_xrstor64(area, (LONGLONG)mask);
}

__attribute__((target("xsave"))) static ULONG64 enabled_features(void)
{
    return (ULONG64)__builtin_ia32_xgetbv(0);
}

/*
 * Saves the features of Mask that the processor has; the caller may then use them until it restores.
 * STATUS_SUCCESS or STATUS_INSUFFICIENT_RESOURCES. Owns: XStateSave is the caller's; the area behind it is
 * ours until the restore. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, KeSaveExtendedProcessorState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave)
{
    void *area = area_allocate();
    if (area == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Mask &= enabled_features();
    *XStateSave = (XSTATE_SAVE){
        .Thread = (PKTHREAD)ke_thread(),
        .Level = ke_irql(),
        .XStateContext = {.Mask = Mask, .Length = AREA_PAGES * PAGE_SIZE, .Area = area, .Buffer = area}};
    save(area, Mask);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, KeRestoreExtendedProcessorState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave)
{
    void *area = XStateSave->XStateContext.Buffer;
    restore(area, XStateSave->XStateContext.Mask);
    XStateSave->XStateContext.Buffer = NULL;
    XStateSave->XStateContext.Area = NULL;
    area_free(area);
}
