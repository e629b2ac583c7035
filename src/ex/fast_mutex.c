/* SPDX-License-Identifier: MIT */
/*
 * Fast mutexes: Count is 1 when free and falls below 0 by one for each waiter;
 * a release that finds waiters hands the event to one of them, which owns the
 * mutex from then on. Not recursive: a second acquire by the owner never returns.
 */
#include "ex/ex.h"
#include "ke/routines.h"

static void take(PFAST_MUTEX mutex)
{
    if (__atomic_sub_fetch(&mutex->Count, 1, __ATOMIC_ACQUIRE) != 0) {
        __atomic_add_fetch(&mutex->Contention, 1, __ATOMIC_RELAXED);
        KeWaitForSingleObject(&mutex->Event, WrMutex, KernelMode, FALSE, NULL);
    }
    mutex->Owner = ke_thread();
}

static void give(PFAST_MUTEX mutex)
{
    mutex->Owner = NULL;
    if (__atomic_add_fetch(&mutex->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(&mutex->Event, 1, FALSE);
}

/* Acquires and raises to APC_LEVEL. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, ExAcquireFastMutex, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS | X_RAISES_IRQL)
VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL old = ke_raise_irql(APC_LEVEL);
    take(FastMutex);
    FastMutex->OldIrql = old;
}

/* TRUE: acquired, as above. FALSE: somebody has it; the IRQL is as before. */
EXPORT(ntoskrnl, ExTryToAcquireFastMutex, PASSIVE_LEVEL, APC_LEVEL, X_RAISES_IRQL)
BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL old = ke_raise_irql(APC_LEVEL);
    LONG free = 1;
    if (!__atomic_compare_exchange_n(&FastMutex->Count, &free, 0, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        ke_lower_irql(old);
        return FALSE;
    }
    FastMutex->Owner = ke_thread();
    FastMutex->OldIrql = old;
    return TRUE;
}

/* Releases and returns to the IRQL before the acquire. IRQL: APC_LEVEL. */
EXPORT(ntoskrnl, ExReleaseFastMutex, APC_LEVEL, APC_LEVEL, X_BLOCKS | X_RAISES_IRQL)
VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL old = (KIRQL)FastMutex->OldIrql;
    give(FastMutex);
    ke_lower_irql(old);
}

/* For callers that have APCs disabled already. */
EXPORT(ntoskrnl, ExAcquireFastMutexUnsafe, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    take(FastMutex);
}

EXPORT(ntoskrnl, ExReleaseFastMutexUnsafe, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    give(FastMutex);
}

EXPORT(ntoskrnl, ExEnterCriticalRegionAndAcquireFastMutexUnsafe, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExEnterCriticalRegionAndAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KeEnterCriticalRegion();
    take(FastMutex);
}

EXPORT(ntoskrnl, ExReleaseFastMutexUnsafeAndLeaveCriticalRegion, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(PFAST_MUTEX FastMutex)
{
    give(FastMutex);
    KeLeaveCriticalRegion();
}
