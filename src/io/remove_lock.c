/* SPDX-License-Identifier: MIT */
/*
 * Remove locks: a count of who still uses a device, in the driver's storage.
 * The count begins at one; the last release after removal began sets the event.
 * Under the verifier remove_lock_record.c keeps who holds it, by tag.
 */
#include "io/private.h"
#include "io/remove_lock.h"

/* What a driver that was built for checking has: the size that it passes tells. */
struct checked_lock {
    IO_REMOVE_LOCK_COMMON_BLOCK common;
    IO_REMOVE_LOCK_DBG_BLOCK checked;
};

#define MINUTE_100NS 600000000ll

/* The part that only a checked driver has says what the lock was made with. */
static void initialize_checked(struct checked_lock *lock, ULONG tag, ULONG minutes, ULONG high)
{
    lock->checked.HighWatermark = high;
    lock->checked.MaxLockedTicks = minutes * MINUTE_100NS;
    lock->checked.AllocateTag = (LONG)tag;
    list_init(&lock->checked.LockList);
}

/*
 * RemlockSize: of the lock as the driver was built, which is all of it that is touched. Limits are the
 * verifier's. IRQL: PASSIVE_LEVEL. Rules: RL-01, RL-05, RL-07.
 */
EXPORT(ntoskrnl, IoInitializeRemoveLockEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    struct io_remove_lock_limits limits = {.locked_100ns = MaxLockedMinutes * MINUTE_100NS,
                                           .holders = HighWatermark};
    io_remove_lock_initializing(Lock, &limits);
    /* RL-07: a checked driver's is longer, and one that is not must not be written behind. */
    __builtin_memset(Lock, 0, MIN(RemlockSize, sizeof(struct checked_lock)));
    if (RemlockSize >= sizeof(struct checked_lock))
        initialize_checked((struct checked_lock *)Lock, AllocateTag, MaxLockedMinutes, HighWatermark);
    /* RL-01: the owner's own. */
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

static void drop(PIO_REMOVE_LOCK lock)
{
    if (__atomic_sub_fetch(&lock->Common.IoCount, 1, __ATOMIC_SEQ_CST) == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

/* STATUS_DELETE_PENDING: removal has begun, and nothing was acquired. IRQL: <= DISPATCH_LEVEL. Rules: RL-02.
 */
EXPORT(ntoskrnl, IoAcquireRemoveLockEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    __atomic_add_fetch(&RemoveLock->Common.IoCount, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&RemoveLock->Common.Removed, __ATOMIC_SEQ_CST)) {
        io_remove_lock_acquired(RemoveLock, Tag);
        return STATUS_SUCCESS;
    }
    drop(RemoveLock);
    /* RL-02: removal has begun. */
    return STATUS_DELETE_PENDING;
}

/* With the tag of the acquisition. IRQL: <= DISPATCH_LEVEL. Rules: RL-03. */
EXPORT(ntoskrnl, IoReleaseRemoveLockEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    io_remove_lock_released(RemoveLock, Tag, IO_REMOVE_LOCK_RELEASE);
    /* RL-03: as often as it was acquired. */
    drop(RemoveLock);
}

/*
 * Gives up the caller's acquisition, lets nobody in any more, and waits until all others are given up.
 * IRQL: PASSIVE_LEVEL. Rules: RL-04, RL-06.
 */
EXPORT(ntoskrnl, IoReleaseRemoveLockAndWaitEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    io_remove_lock_released(RemoveLock, Tag, IO_REMOVE_LOCK_RELEASE_AND_WAIT);
    /* RL-04: nobody else gets in. */
    __atomic_store_n(&RemoveLock->Common.Removed, TRUE, __ATOMIC_SEQ_CST);
    drop(RemoveLock); /* the caller's */
    if (__atomic_sub_fetch(&RemoveLock->Common.IoCount, 1, __ATOMIC_SEQ_CST) > 0)
        /* RL-04, RL-06: until the last one is out. */
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
