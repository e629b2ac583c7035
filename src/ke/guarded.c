/* SPDX-License-Identifier: MIT */
/*
 * Guarded mutexes: a count (1 free, 0 owned, below with waiters) and a gate.
 * The owner is in a guarded region, or by the Unsafe forms vouches for it.
 */
#include "ke/objects.h"

EXPORT(ntoskrnl, KeInitializeGuardedMutex, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    *Mutex = (KGUARDED_MUTEX){.Count = 1};
    KeInitializeEvent(&Mutex->Gate, SynchronizationEvent, FALSE);
}

/* In a guarded region or at APC_LEVEL already. */
EXPORT(ntoskrnl, KeAcquireGuardedMutexUnsafe, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    if (__atomic_sub_fetch(&Mutex->Count, 1, __ATOMIC_ACQUIRE) != 0) {
        __atomic_add_fetch(&Mutex->Contention, 1, __ATOMIC_RELAXED);
        wait_for_object(&Mutex->Gate.Header);
    }
    Mutex->Owner = (PKTHREAD)ke_thread();
}

EXPORT(ntoskrnl, KeReleaseGuardedMutexUnsafe, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    Mutex->Owner = NULL;
    if (__atomic_add_fetch(&Mutex->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(&Mutex->Gate, 1, FALSE);
}

/* Enters a guarded region, then waits for the mutex; not recursive. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, KeAcquireGuardedMutex, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(Mutex);
    Mutex->SpecialApcDisable = ke_thread()->special_apc_disable;
}

EXPORT(ntoskrnl, KeReleaseGuardedMutex, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
VOID NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeReleaseGuardedMutexUnsafe(Mutex);
    KeLeaveGuardedRegion();
}

/* TRUE: acquired, and in a guarded region. */
EXPORT(ntoskrnl, KeTryToAcquireGuardedMutex, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    LONG free = 1;
    KeEnterGuardedRegion();
    if (!__atomic_compare_exchange_n(&Mutex->Count, &free, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        KeLeaveGuardedRegion();
        return FALSE;
    }
    Mutex->Owner = (PKTHREAD)ke_thread();
    Mutex->SpecialApcDisable = ke_thread()->special_apc_disable;
    return TRUE;
}
