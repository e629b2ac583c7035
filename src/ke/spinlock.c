/* SPDX-License-Identifier: MIT */
/*
 * Drivers' spin locks. The word is 0 free, 1 held, 2 held with somebody asleep
 * on it: there may be more VPs than cores, so a waiter gives its core up after
 * about 2 us. A VP that waits keeps its IRQL and still takes what is above it.
 */
#include "ke/objects.h"
#include "ke/spinlock.h"

enum { SPINS_BEFORE_SLEEP = 64 };
enum { SLEEP_NS = 1000000 }; /* a sleeper looks for a stopped machine this often */

bool spinlock_try(PKSPIN_LOCK lock)
{
    ULONG_PTR expected = 0;
    return __atomic_compare_exchange_n(lock, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* In a simulated machine the holder can run only if another VP does; if none can, the lock is never released.
 */
static void spin_simulated(PKSPIN_LOCK lock)
{
    if (!simulated_spin() && *(volatile ULONG_PTR *)lock != 0)
        bugcheck_sentence(SPIN_LOCK_ALREADY_OWNED, (uintptr_t)lock, 0, 0, 0,
                          "a spin lock is acquired that nobody will ever release");
}

void spin_once(struct spin *spin)
{
    if (vp_pending(vp_current()) != 0)
        irql_service();
    if (ke_simulated) {
        /* The caller looks again in between: twice in vain, and what it waits for can never come. */
        spin->count = simulated_spin() ? 0 : spin->count + 1;
        if (spin->count == 2)
            bugcheck_stalled(ke_thread());
    } else if (++spin->count < SPINS_BEFORE_SLEEP) {
        host_cpu_relax();
    } else {
        uint32_t never = 0;
        host_futex_wait(&never, 0, 50000);
    }
}

static __attribute__((noinline)) void acquire_contended(PKSPIN_LOCK lock)
{
    for (unsigned spins = 0;; spins++) {
        if (*(volatile ULONG_PTR *)lock == 0 && spinlock_try(lock))
            return;
        if (vp_pending(vp_current()) != 0)
            irql_service();
        if (ke_simulated)
            spin_simulated(lock);
        else if (spins < SPINS_BEFORE_SLEEP)
            host_cpu_relax();
        else if (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) == 0)
            return;
        else
            host_futex_wait((uint32_t *)lock, 2, SLEEP_NS);
    }
}

void spinlock_acquire(PKSPIN_LOCK lock)
{
    if (unlikely(!spinlock_try(lock)))
        acquire_contended(lock);
}

void spinlock_release(PKSPIN_LOCK lock)
{
    if (unlikely(__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2))
        host_futex_wake((uint32_t *)lock, 1);
}

EXPORT(ntoskrnl, KeInitializeSpinLock, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}

static KIRQL acquire_at(PKSPIN_LOCK lock, KIRQL irql)
{
    KIRQL old = KfRaiseIrql(irql);
    ke_sched_point();
    spinlock_acquire(lock);
    return old;
}

/* Raises to DISPATCH_LEVEL, then acquires; returns the former IRQL. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAcquireSpinLockRaiseToDpc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
EXPORT(hal, KeAcquireSpinLockRaiseToDpc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    return acquire_at(SpinLock, DISPATCH_LEVEL);
}

EXPORT(hal, KfAcquireSpinLock, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KfAcquireSpinLock(PKSPIN_LOCK SpinLock)
{
    return acquire_at(SpinLock, DISPATCH_LEVEL);
}

EXPORT(ntoskrnl, KeAcquireSpinLockRaiseToSynch, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
EXPORT(hal, KeAcquireSpinLockRaiseToSynch, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
KIRQL NTAPI KeAcquireSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock)
{
    return acquire_at(SpinLock, CLOCK_LEVEL - 1);
}

/* Releases, then lowers the IRQL, which runs what it held back. IRQL: DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeReleaseSpinLock, DISPATCH_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL | X_BLOCKS)
EXPORT(hal, KeReleaseSpinLock, DISPATCH_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    spinlock_release(SpinLock);
    KeLowerIrql(NewIrql);
}

EXPORT(hal, KfReleaseSpinLock, DISPATCH_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KfReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KeReleaseSpinLock(SpinLock, NewIrql);
}

/* The IRQL is the caller's business. IRQL: >= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAcquireSpinLockAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    ke_sched_point();
    spinlock_acquire(SpinLock);
}

EXPORT(ntoskrnl, KeReleaseSpinLockFromDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    spinlock_release(SpinLock);
    ke_sched_point();
}

EXPORT(ntoskrnl, KefAcquireSpinLockAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KefAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    KeAcquireSpinLockAtDpcLevel(SpinLock);
}

EXPORT(ntoskrnl, KefReleaseSpinLockFromDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KefReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    KeReleaseSpinLockFromDpcLevel(SpinLock);
}

/* TRUE: acquired. Never waits. IRQL: >= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeTryToAcquireSpinLockAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    ke_sched_point();
    return spinlock_try(SpinLock);
}

/* TRUE: free at this moment. */
EXPORT(ntoskrnl, KeTestSpinLock, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return __atomic_load_n(SpinLock, __ATOMIC_ACQUIRE) == 0;
}

/* In a DPC routine, which may be a threaded one at PASSIVE_LEVEL: raises only if it has to. */
EXPORT(ntoskrnl, KeAcquireSpinLockForDpc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    return acquire_at(SpinLock, DISPATCH_LEVEL);
}

EXPORT(ntoskrnl, KeReleaseSpinLockForDpc, DISPATCH_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    KeReleaseSpinLock(SpinLock, OldIrql);
}
