/* SPDX-License-Identifier: MIT */
/*
 * Queues (KQUEUE): entries, threads that serve them, and a limit on how many of
 * these run at a time. CurrentCount counts the threads of the queue that do not
 * wait, wherever they may wait; when one of them waits, another that waits for
 * an entry may have it. The thread that has waited least long is served first.
 * All of it under the dispatcher lock. SignalState is the number of entries.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* May the thread, which waits for an entry or is about to, have one? It does not count against itself. */
bool queue_can_serve(const KQUEUE *queue, const struct ke_thread *thread)
{
    ULONG others = queue->CurrentCount;
    if (queue->Header.Abandoned)
        return true;
    if (thread->queue == queue && !thread->queue_idle)
        others--;
    return !list_empty(&queue->EntryListHead) && others < queue->MaximumCount;
}

static void count_in(struct ke_thread *thread)
{
    if (thread->queue != NULL && thread->queue_idle) {
        thread->queue_idle = FALSE;
        thread->queue->CurrentCount++;
    }
}

/* Gives the thread the first entry; a queue that was run down gives none. */
NTSTATUS queue_serve(PKQUEUE queue, struct ke_thread *thread)
{
    thread->queue_entry = NULL;
    if (queue->Header.Abandoned)
        return STATUS_ABANDONED;
    queue->Header.SignalState--;
    thread->queue_entry = list_remove_head(&queue->EntryListHead);
    thread->queue_entry->Flink = NULL;
    count_in(thread);
    return STATUS_SUCCESS;
}

/* Ends waits as long as there are entries and the limit allows, the last to come first. */
static void activate(PKQUEUE queue)
{
    LIST_ENTRY *waiters = &queue->Header.WaitListHead;
    while (!list_empty(waiters)) {
        KWAIT_BLOCK *block = container_of(waiters->Blink, KWAIT_BLOCK, WaitListEntry);
        struct ke_thread *thread = (struct ke_thread *)block->Thread;
        if (!queue_can_serve(queue, thread))
            return;
        wait_end(thread, queue_serve(queue, thread), 0);
    }
}

void queue_thread_waits(struct ke_thread *thread)
{
    if (thread->queue_idle)
        return;
    thread->queue_idle = TRUE;
    thread->queue->CurrentCount--;
    activate(thread->queue);
}

void queue_thread_goes_on(struct ke_thread *thread)
{
    count_in(thread);
}

void queue_leave(struct ke_thread *thread)
{
    PKQUEUE queue = thread->queue;
    if (queue == NULL)
        return;
    list_remove(&thread->queue_link);
    thread->queue = NULL;
    if (!thread->queue_idle) {
        queue->CurrentCount--;
        activate(queue);
    }
    thread->queue_idle = FALSE;
}

static void join(PKQUEUE queue, struct ke_thread *thread)
{
    if (thread->queue == queue || queue->Header.Abandoned)
        return;
    queue_leave(thread);
    thread->queue = queue;
    thread->queue_idle = TRUE;
    list_insert_tail(&queue->ThreadListHead, &thread->queue_link);
}

/* ---- exports ---- */

/* Empty. Count: how many threads may be served at a time; 0: as many as there are processors. IRQL: <=
 * DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeInitializeQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeQueue(PRKQUEUE Queue, ULONG Count)
{
    Queue->Header.Lock = 0;
    Queue->Header.Type = QueueObject;
    Queue->Header.Size = sizeof *Queue / sizeof(LONG);
    Queue->Header.SignalState = 0;
    list_init(&Queue->Header.WaitListHead);
    list_init(&Queue->EntryListHead);
    list_init(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : ke_vp_count;
}

static LONG insert(PKQUEUE queue, PLIST_ENTRY entry, bool head)
{
    dispatcher_acquire();
    LONG former = queue->Header.SignalState;
    queue->Header.SignalState++;
    if (head)
        list_insert_head(&queue->EntryListHead, entry);
    else
        list_insert_tail(&queue->EntryListHead, entry);
    activate(queue);
    dispatcher_release_and_yield();
    return former;
}

/* Puts the entry behind the others, or hands it to a thread that waits. Returns how many entries there were.
 * Owns: the queue, until the entry is removed. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeInsertQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
LONG NTAPI KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return insert(Queue, Entry, false);
}

/* The same in front of the others. */
EXPORT(ntoskrnl, KeInsertHeadQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
LONG NTAPI KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return insert(Queue, Entry, true);
}

/*
 * The first entry, its Flink NULL, waiting for one if there is none or too many threads of the queue run; the
 * calling thread is one of the queue's from now on. Instead of an entry: STATUS_TIMEOUT, STATUS_USER_APC or,
 * of a queue that was run down, STATUS_ABANDONED. IRQL: <= APC_LEVEL, DISPATCH_LEVEL with a time-out of zero.
 */
EXPORT(ntoskrnl, KeRemoveQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
PLIST_ENTRY NTAPI KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    struct ke_thread *thread = ke_thread();
    dispatcher_acquire();
    join(Queue, thread);
    dispatcher_release();
    NTSTATUS status = KeWaitForSingleObject(Queue, WrQueue, WaitMode, FALSE, Timeout);
    if (status == STATUS_SUCCESS)
        return thread->queue_entry;
    dispatcher_acquire();
    count_in(thread);
    dispatcher_release();
    return (PLIST_ENTRY)(ULONG_PTR)(ULONG)status;
}

/* How many entries there are. */
EXPORT(ntoskrnl, KeReadStateQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateQueue(PRKQUEUE Queue)
{
    return __atomic_load_n(&Queue->Header.SignalState, __ATOMIC_ACQUIRE);
}

static void dismiss_threads(PKQUEUE queue)
{
    while (!list_empty(&queue->ThreadListHead)) {
        struct ke_thread *thread =
            container_of(list_remove_head(&queue->ThreadListHead), struct ke_thread, queue_link);
        thread->queue = NULL;
        thread->queue_idle = FALSE;
    }
}

/*
 * The end of the queue: who waits gets STATUS_ABANDONED, and so does who comes later. Returns the first of
 * the entries that were left, linked to one another in a ring without a head; NULL: there was none. IRQL: <=
 * DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, KeRundownQueue, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
PLIST_ENTRY NTAPI KeRundownQueue(PRKQUEUE Queue)
{
    dispatcher_acquire();
    PLIST_ENTRY first = list_empty(&Queue->EntryListHead) ? NULL : Queue->EntryListHead.Flink;
    list_remove(&Queue->EntryListHead);
    list_init(&Queue->EntryListHead);
    Queue->Header.SignalState = 0;
    Queue->Header.Abandoned = TRUE;
    activate(Queue);
    dismiss_threads(Queue);
    Queue->CurrentCount = 0;
    dispatcher_release_and_yield();
    return first;
}
