/* SPDX-License-Identifier: MIT */
/*
 * Remove locks: a count of who still uses a device, in the driver's storage.
 * The count begins at one; the last release after removal began sets the event.
 */
#include "io/private.h"

/* IRQL: PASSIVE_LEVEL. Rules: RL-01, RL-07. */
EXPORT(ntoskrnl, IoInitializeRemoveLockEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    __builtin_memset(Lock, 0, RemlockSize);
    /* RL-01: the owner's own. */
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

static void drop(PIO_REMOVE_LOCK lock)
{
    if (__atomic_sub_fetch(&lock->Common.IoCount, 1, __ATOMIC_SEQ_CST) == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

/* IRQL: <= DISPATCH_LEVEL. Rules: RL-02. */
EXPORT(ntoskrnl, IoAcquireRemoveLockEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    __atomic_add_fetch(&RemoveLock->Common.IoCount, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&RemoveLock->Common.Removed, __ATOMIC_SEQ_CST))
        return STATUS_SUCCESS;
    drop(RemoveLock);
    /* RL-02: removal has begun. */
    return STATUS_DELETE_PENDING;
}

/* IRQL: <= DISPATCH_LEVEL. Rules: RL-03. */
EXPORT(ntoskrnl, IoReleaseRemoveLockEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    /* RL-03: as often as it was acquired. */
    drop(RemoveLock);
}

/* IRQL: PASSIVE_LEVEL. Rules: RL-04. */
EXPORT(ntoskrnl, IoReleaseRemoveLockAndWaitEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    /* RL-04: nobody else gets in. */
    __atomic_store_n(&RemoveLock->Common.Removed, TRUE, __ATOMIC_SEQ_CST);
    drop(RemoveLock); /* the caller's */
    if (__atomic_sub_fetch(&RemoveLock->Common.IoCount, 1, __ATOMIC_SEQ_CST) > 0)
        /* RL-04: until the last one is out. */
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
