/* SPDX-License-Identifier: MIT */
/*
 * Interlocked lists and counters under a spin lock of the driver's. They may
 * be called at any IRQL, also from an interrupt service routine, so the lock
 * is held at HIGH_LEVEL: no interrupt of this VP can want it meanwhile.
 */
#include "ex/ex.h"
#include "ke/routines.h"

static KIRQL enter(PKSPIN_LOCK lock)
{
    KIRQL old = ke_raise_irql(HIGH_LEVEL);
    KeAcquireSpinLockAtDpcLevel(lock);
    return old;
}

static void leave(PKSPIN_LOCK lock, KIRQL old)
{
    KeReleaseSpinLockFromDpcLevel(lock);
    ke_lower_irql(old);
}

/* Returns the entry that was last; NULL: the list was empty. */
EXPORT(ntoskrnl, ExInterlockedInsertTailList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY last = ListHead->Blink;
    list_insert_tail(ListHead, ListEntry);
    leave(Lock, old);
    return last == ListHead ? NULL : last;
}

/* Returns the entry that was first; NULL: the list was empty. */
EXPORT(ntoskrnl, ExInterlockedInsertHeadList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY first = ListHead->Flink;
    list_insert_head(ListHead, ListEntry);
    leave(Lock, old);
    return first == ListHead ? NULL : first;
}

/* NULL: the list was empty. */
EXPORT(ntoskrnl, ExInterlockedRemoveHeadList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY entry = list_empty(ListHead) ? NULL : list_remove_head(ListHead);
    leave(Lock, old);
    return entry;
}

/* Returns the entry that was first. */
EXPORT(ntoskrnl, ExInterlockedPushEntryList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                                    PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;
    ListEntry->Next = first;
    ListHead->Next = ListEntry;
    leave(Lock, old);
    return first;
}

EXPORT(ntoskrnl, ExInterlockedPopEntryList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;
    if (first != NULL)
        ListHead->Next = first->Next;
    leave(Lock, old);
    return first;
}

/* Both return the value before the addition. */
EXPORT(ntoskrnl, ExInterlockedAddUlong, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    ULONG before = *Addend;
    *Addend = before + Increment;
    leave(Lock, old);
    return before;
}

EXPORT(ntoskrnl, ExInterlockedAddLargeInteger, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    LARGE_INTEGER before = *Addend;
    Addend->QuadPart = before.QuadPart + Increment.QuadPart;
    leave(Lock, old);
    return before;
}
