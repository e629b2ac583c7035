/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer spin locks (EX_SPIN_LOCK, a LONG). The low bits count the
 * readers; the top bit is the writer, the one below says that a writer waits,
 * which keeps new readers out.
 */
#include "ke/objects.h"
#include "ke/dispatch.h"

#define WRITER         0x80000000u
#define WRITER_WAITING 0x40000000u

static bool replace(LONG *lock, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n((uint32_t *)lock, &from, to, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static uint32_t value_of(const LONG *lock)
{
    return __atomic_load_n((const uint32_t *)lock, __ATOMIC_RELAXED);
}

static void acquire_shared(LONG *lock)
{
    struct spin spin = {0};
    for (;;) {
        uint32_t value = value_of(lock);
        if (!(value & (WRITER | WRITER_WAITING)) && replace(lock, value, value + 1))
            return;
        spin_once(&spin);
    }
}

static void acquire_exclusive(LONG *lock)
{
    struct spin spin = {0};
    for (;;) {
        uint32_t value = value_of(lock);
        if ((value & ~WRITER_WAITING) == 0) {
            if (replace(lock, value, WRITER))
                return;
            continue;
        }
        if (!(value & WRITER_WAITING))
            replace(lock, value, value | WRITER_WAITING);
        spin_once(&spin);
    }
}

static void release_shared(LONG *lock)
{
    __atomic_sub_fetch((uint32_t *)lock, 1, __ATOMIC_RELEASE);
}

static void release_exclusive(LONG *lock)
{
    __atomic_and_fetch((uint32_t *)lock, ~WRITER, __ATOMIC_RELEASE);
}

/* Raises to DISPATCH_LEVEL; returns the former IRQL. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, ExAcquireSpinLockShared, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI ExAcquireSpinLockShared(LONG *SpinLock)
{
    KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
    ke_sched_point();
    acquire_shared(SpinLock);
    return irql;
}

EXPORT(ntoskrnl, ExReleaseSpinLockShared, DISPATCH_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI ExReleaseSpinLockShared(LONG *SpinLock, KIRQL OldIrql)
{
    release_shared(SpinLock);
    KeLowerIrql(OldIrql);
}

EXPORT(ntoskrnl, ExAcquireSpinLockSharedAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(LONG *SpinLock)
{
    ke_sched_point();
    acquire_shared(SpinLock);
}

EXPORT(ntoskrnl, ExReleaseSpinLockSharedFromDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(LONG *SpinLock)
{
    release_shared(SpinLock);
    ke_sched_point();
}

EXPORT(ntoskrnl, ExAcquireSpinLockExclusive, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI ExAcquireSpinLockExclusive(LONG *SpinLock)
{
    KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
    ke_sched_point();
    acquire_exclusive(SpinLock);
    return irql;
}

EXPORT(ntoskrnl, ExReleaseSpinLockExclusive, DISPATCH_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI ExReleaseSpinLockExclusive(LONG *SpinLock, KIRQL OldIrql)
{
    release_exclusive(SpinLock);
    KeLowerIrql(OldIrql);
}

EXPORT(ntoskrnl, ExAcquireSpinLockExclusiveAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(LONG *SpinLock)
{
    ke_sched_point();
    acquire_exclusive(SpinLock);
}

EXPORT(ntoskrnl, ExReleaseSpinLockExclusiveFromDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(LONG *SpinLock)
{
    release_exclusive(SpinLock);
    ke_sched_point();
}

/* TRUE: the caller was the only reader and is the writer now; FALSE: it still reads. IRQL: DISPATCH_LEVEL. */
EXPORT(ntoskrnl, ExTryConvertSharedSpinLockExclusive, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(LONG *SpinLock)
{
    uint32_t value = value_of(SpinLock);
    return (value & ~WRITER_WAITING) == 1 && replace(SpinLock, value, WRITER | (value & WRITER_WAITING));
}
