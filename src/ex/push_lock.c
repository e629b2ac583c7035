/* SPDX-License-Identifier: MIT */
/*
 * Push locks: one writer or many readers, not recursive, in a pointer-sized
 * word: bit 0 locked, bit 1 somebody waits, from bit 4 on the number of readers.
 * Who waits lies in one list for all push locks, in order of arrival, and is
 * handed the lock by who releases it; the word of a lock with waiters changes
 * only under the list's lock.
 */
#include "ex/ex.h"
#include "ke/routines.h"
#include "base/lock.h"

#define LOCKED  1ull
#define WAITING 2ull
#define READER  0x10ull

enum { FLAGS_ALL = 3 };

struct push_waiter {
    LIST_ENTRY link;
    PEX_PUSH_LOCK lock;
    bool exclusive;
    KEVENT granted;
};

static LIST_ENTRY waiters = {&waiters, &waiters};
static rl_lock list_lock;

static bool replace(PEX_PUSH_LOCK lock, ULONG_PTR *from, ULONG_PTR to)
{
    return __atomic_compare_exchange_n(lock, from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Free, or shared by readers with nobody waiting: taken, if this one may come in. */
static bool try_acquire(PEX_PUSH_LOCK lock, bool exclusive)
{
    ULONG_PTR now = __atomic_load_n(lock, __ATOMIC_RELAXED);
    do
        if ((now & WAITING) || ((now & LOCKED) && (exclusive || now < READER)))
            return false;
    while (!replace(lock, &now, exclusive ? LOCKED : (now | LOCKED) + READER));
    return true;
}

/* The list's lock is held: from here on the word changes under it only. False: the lock was released just
 * now. */
static bool mark_waiting(PEX_PUSH_LOCK lock)
{
    ULONG_PTR now = __atomic_load_n(lock, __ATOMIC_RELAXED);
    do
        if (!(now & LOCKED))
            return false;
    while (!replace(lock, &now, now | WAITING));
    return true;
}

static void acquire(PEX_PUSH_LOCK lock, bool exclusive)
{
    struct push_waiter waiter = {.lock = lock, .exclusive = exclusive};
    while (!try_acquire(lock, exclusive)) {
        KeInitializeEvent(&waiter.granted, SynchronizationEvent, FALSE);
        rl_lock_acquire(&list_lock);
        bool waits = mark_waiting(lock);
        if (waits)
            list_insert_tail(&waiters, &waiter.link);
        rl_lock_release(&list_lock);
        if (!waits)
            continue;
        KeWaitForSingleObject(&waiter.granted, WrPushLock, KernelMode, FALSE, NULL);
        return;
    }
}

static struct push_waiter *first_waiter(PEX_PUSH_LOCK lock)
{
    list_for_each(it, &waiters)
    {
        struct push_waiter *waiter = container_of(it, struct push_waiter, link);
        if (waiter->lock == lock)
            return waiter;
    }
    return NULL;
}

/* The list's lock is held and the lock has no owner: the first waiter gets it, and with a reader all readers
 * up to the next writer. They are moved to `granted`. */
static void hand_over(PEX_PUSH_LOCK lock, LIST_ENTRY *granted)
{
    ULONG_PTR value = 0;
    struct push_waiter *waiter;
    while ((waiter = first_waiter(lock)) != NULL && (value == 0 || !waiter->exclusive) &&
           (value == 0 || value >= READER)) {
        value = waiter->exclusive ? LOCKED : (value | LOCKED) + READER;
        list_remove(&waiter->link);
        list_insert_tail(granted, &waiter->link);
    }
    __atomic_store_n(lock, value | (waiter != NULL ? WAITING : 0), __ATOMIC_RELEASE);
}

static ULONG_PTR without_owner(ULONG_PTR value)
{
    if (value < READER)
        return value & ~LOCKED;
    value -= READER;
    return value < READER ? value & ~LOCKED : value;
}

static void wake(LIST_ENTRY *granted)
{
    while (!list_empty(granted))
        KeSetEvent(&container_of(list_remove_head(granted), struct push_waiter, link)->granted, 0, FALSE);
}

static void release(PEX_PUSH_LOCK lock)
{
    LIST_ENTRY granted;
    ULONG_PTR now = __atomic_load_n(lock, __ATOMIC_RELAXED);
    while (!(now & WAITING))
        if (replace(lock, &now, without_owner(now)))
            return;
    list_init(&granted);
    rl_lock_acquire(&list_lock);
    now = without_owner(__atomic_load_n(lock, __ATOMIC_RELAXED));
    if (now & LOCKED)
        __atomic_store_n(lock, now, __ATOMIC_RELEASE);
    else
        hand_over(lock, &granted);
    rl_lock_release(&list_lock);
    wake(&granted);
}

/* ---- exports; IRQL: <= APC_LEVEL, with normal kernel APCs disabled by the caller ---- */

static void check_flags(PEX_PUSH_LOCK lock, ULONG flags)
{
    if (flags & ~(ULONG)FLAGS_ALL)
        ke_bugcheck_code(INVALID_PUSH_LOCK_FLAGS, flags, (ULONG_PTR)lock, 0, 0);
}

EXPORT(ntoskrnl, ExInitializePushLock, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
}

EXPORT(ntoskrnl, ExfAcquirePushLockExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    acquire(PushLock, true);
}

EXPORT(ntoskrnl, ExfAcquirePushLockShared, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock)
{
    acquire(PushLock, false);
}

EXPORT(ntoskrnl, ExfReleasePushLock, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExfReleasePushLock(PEX_PUSH_LOCK PushLock)
{
    release(PushLock);
}

EXPORT(ntoskrnl, ExfReleasePushLockExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExfReleasePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    release(PushLock);
}

EXPORT(ntoskrnl, ExfReleasePushLockShared, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExfReleasePushLockShared(PEX_PUSH_LOCK PushLock)
{
    release(PushLock);
}

/* Flags: 0, or 1 for a boost of the owner, which no thread here needs. Others: bug check 0x152. */
EXPORT(ntoskrnl, ExAcquirePushLockExclusiveEx, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    acquire(PushLock, true);
}

EXPORT(ntoskrnl, ExAcquirePushLockSharedEx, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    acquire(PushLock, false);
}

/* TRUE: acquired. Never waits. */
EXPORT(ntoskrnl, ExTryAcquirePushLockExclusiveEx, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExTryAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    return try_acquire(PushLock, true);
}

EXPORT(ntoskrnl, ExReleasePushLockEx, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    release(PushLock);
}

EXPORT(ntoskrnl, ExReleasePushLockExclusiveEx, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    release(PushLock);
}

EXPORT(ntoskrnl, ExReleasePushLockSharedEx, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    check_flags(PushLock, Flags);
    release(PushLock);
}
