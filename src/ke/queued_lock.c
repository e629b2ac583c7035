/* SPDX-License-Identifier: MIT */
/*
 * In-stack queued spin locks: waiters in order of arrival, each on a word of
 * its own handle. The lock word points to the last handle; a handle's
 * LockQueue.Lock has bit 0 set while its owner waits, and is the lock's address
 * from then on. Plain and queued acquisition must not be mixed on one lock.
 */
#include "ke/objects.h"
#include "ke/spinlock.h"

enum { WAITS = 1 };

static ULONG_PTR *state_of(KSPIN_LOCK_QUEUE *queue)
{
    return (ULONG_PTR *)&queue->Lock;
}

static void wait_for_turn(KSPIN_LOCK_QUEUE *queue)
{
    struct spin spin = {0};
    while (__atomic_load_n(state_of(queue), __ATOMIC_ACQUIRE) & WAITS)
        spin_once(&spin);
}

static void acquire(PKSPIN_LOCK lock, KSPIN_LOCK_QUEUE *queue)
{
    queue->Next = NULL;
    *state_of(queue) = (ULONG_PTR)lock | WAITS;
    KSPIN_LOCK_QUEUE *before =
        (KSPIN_LOCK_QUEUE *)__atomic_exchange_n(lock, (ULONG_PTR)queue, __ATOMIC_ACQ_REL);
    if (before == NULL) {
        *state_of(queue) = (ULONG_PTR)lock;
        return;
    }
    __atomic_store_n(&before->Next, queue, __ATOMIC_RELEASE);
    wait_for_turn(queue);
}

static void release(KSPIN_LOCK_QUEUE *queue)
{
    PKSPIN_LOCK lock = (PKSPIN_LOCK)(*state_of(queue) & ~(ULONG_PTR)WAITS);
    ULONG_PTR expected = (ULONG_PTR)queue;
    struct spin spin = {0};
    if (__atomic_load_n(&queue->Next, __ATOMIC_ACQUIRE) == NULL &&
        __atomic_compare_exchange_n(lock, &expected, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return;
    while (__atomic_load_n(&queue->Next, __ATOMIC_ACQUIRE) == NULL) /* it is about to be linked */
        spin_once(&spin);
    __atomic_store_n(state_of(queue->Next), (ULONG_PTR)lock, __ATOMIC_RELEASE);
}

static void acquire_at(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle, KIRQL irql)
{
    handle->OldIrql = KfRaiseIrql(irql);
    ke_sched_point();
    acquire(lock, &handle->LockQueue);
}

/* Owns: the handle is the queue's until the release. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAcquireInStackQueuedSpinLock, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
EXPORT(hal, KeAcquireInStackQueuedSpinLock, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    acquire_at(SpinLock, LockHandle, DISPATCH_LEVEL);
}

EXPORT(ntoskrnl, KeAcquireInStackQueuedSpinLockRaiseToSynch, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
EXPORT(hal, KeAcquireInStackQueuedSpinLockRaiseToSynch, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
VOID NTAPI KeAcquireInStackQueuedSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    acquire_at(SpinLock, LockHandle, CLOCK_LEVEL - 1);
}

EXPORT(ntoskrnl, KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL | X_BLOCKS)
EXPORT(hal, KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KIRQL irql = LockHandle->OldIrql;
    release(&LockHandle->LockQueue);
    KeLowerIrql(irql);
}

/* IRQL: >= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAcquireInStackQueuedSpinLockAtDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    ke_sched_point();
    acquire(SpinLock, &LockHandle->LockQueue);
}

EXPORT(ntoskrnl, KeReleaseInStackQueuedSpinLockFromDpcLevel, DISPATCH_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    release(&LockHandle->LockQueue);
    ke_sched_point();
}

/* In a DPC routine, threaded or not. */
EXPORT(ntoskrnl, KeAcquireInStackQueuedSpinLockForDpc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    acquire_at(SpinLock, LockHandle, DISPATCH_LEVEL);
}

EXPORT(ntoskrnl, KeReleaseInStackQueuedSpinLockForDpc, DISPATCH_LEVEL, DISPATCH_LEVEL,
       X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeReleaseInStackQueuedSpinLock(LockHandle);
}
