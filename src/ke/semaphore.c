/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: a count between 0 and a limit; each satisfied wait takes one.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, KeInitializeSemaphore, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    Semaphore->Header.Lock = 0;
    Semaphore->Header.Type = SemaphoreObject;
    Semaphore->Header.Size = sizeof *Semaphore / sizeof(LONG);
    Semaphore->Header.SignalState = Count;
    Semaphore->Limit = Limit;
    list_init(&Semaphore->Header.WaitListHead);
}

/*
 * Adds to the count and satisfies waits; returns the former count. Past the limit, or with a negative
 * adjustment: raises STATUS_SEMAPHORE_LIMIT_EXCEEDED, the count unchanged. IRQL: <= DISPATCH_LEVEL; with Wait
 * PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, KeReleaseSemaphore, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES | X_RAISES_IRQL)
LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
    dispatcher_acquire();
    LONG former = Semaphore->Header.SignalState;
    LONGLONG count = (LONGLONG)former + Adjustment;
    if (Adjustment < 0 || count > Semaphore->Limit) {
        dispatcher_release();
        arch_raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = (LONG)count;
    wait_test(&Semaphore->Header, Increment);
    wait_release_dispatcher(Wait);
    return former;
}

EXPORT(ntoskrnl, KeReadStateSemaphore, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return __atomic_load_n(&Semaphore->Header.SignalState, __ATOMIC_ACQUIRE);
}
