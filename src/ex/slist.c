/* SPDX-License-Identifier: MIT */
/*
 * Sequenced singly linked lists: lock free, 16 bytes of head exchanged at once.
 * The sequence number changes with every push and pop, so that a head that
 * looks the same after others popped and pushed in between is told apart.
 * A pop may read the link of an entry that another processor has just popped
 * and freed: that read is guarded, and the exchange that follows then fails.
 */
#include "ex/slist.h"

/* Both halves of the head, read without tearing being harmful: a mismatch makes the exchange fail. */
static SLIST_HEADER read_head(const SLIST_HEADER *head)
{
    SLIST_HEADER now;
    now.Alignment = __atomic_load_n(&head->Alignment, __ATOMIC_ACQUIRE);
    now.Region = __atomic_load_n(&head->Region, __ATOMIC_ACQUIRE);
    return now;
}

static bool exchange(SLIST_HEADER *head, SLIST_HEADER *expected, SLIST_HEADER wanted)
{
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*head), "+a"(expected->Alignment), "+d"(expected->Region)
                     : "b"(wanted.Alignment), "c"(wanted.Region)
                     : "memory");
    return done;
}

static SLIST_ENTRY *first_of(SLIST_HEADER head)
{
    return (SLIST_ENTRY *)((ULONG64)head.HeaderX64.NextEntry << 4);
}

/* The head that follows: another first entry, another depth, the next sequence number. */
static SLIST_HEADER following(SLIST_HEADER now, const SLIST_ENTRY *first, ULONG64 depth)
{
    SLIST_HEADER next = {.Alignment = 0, .Region = 0};
    next.HeaderX64.Depth = depth;
    next.HeaderX64.Sequence = now.HeaderX64.Sequence + 1;
    next.HeaderX64.NextEntry = (ULONG64)first >> 4;
    return next;
}

/* Raises STATUS_DATATYPE_MISALIGNMENT for a head that is not 16-byte aligned. */
EXPORT(ntoskrnl, InitializeSListHead, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI InitializeSListHead(PSLIST_HEADER SListHead)
{
    if ((uintptr_t)SListHead % sizeof *SListHead != 0)
        arch_raise_status(STATUS_DATATYPE_MISALIGNMENT);
    SListHead->Alignment = SListHead->Region = 0;
}

/* Returns the entry that was first; NULL: the list was empty. */
EXPORT(ntoskrnl, ExpInterlockedPushEntrySList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    SLIST_HEADER now = read_head(ListHead);
    do
        ListEntry->Next = first_of(now);
    while (!exchange(ListHead, &now, following(now, ListEntry, now.HeaderX64.Depth + 1u)));
    return first_of(now);
}

/* NULL: the list is empty. */
EXPORT(ntoskrnl, ExpInterlockedPopEntrySList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    SLIST_HEADER now = read_head(ListHead);
    for (;;) {
        SLIST_ENTRY *first = first_of(now), *second = NULL;
        if (first == NULL)
            return NULL;
        if (!NT_SUCCESS(arch_copy_guarded(&second, &first->Next, sizeof second))) {
            SLIST_HEADER again = read_head(ListHead);
            if (again.Alignment == now.Alignment && again.Region == now.Region)
                second = *(SLIST_ENTRY *volatile *)&first
                              ->Next; /* the list itself is bad: the fault is the driver's */
            now = again;
            continue;
        }
        if (exchange(ListHead, &now, following(now, second, now.HeaderX64.Depth - 1u)))
            return first;
    }
}

/* Takes the whole list: its first entry, linked to the others. */
EXPORT(ntoskrnl, ExpInterlockedFlushSList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    SLIST_HEADER now = read_head(ListHead);
    do
        if (first_of(now) == NULL)
            return NULL;
    while (!exchange(ListHead, &now, following(now, NULL, 0)));
    return first_of(now);
}

EXPORT(ntoskrnl, ExQueryDepthSList, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead)
{
    return (USHORT)__atomic_load_n(&SListHead->Alignment, __ATOMIC_RELAXED);
}
