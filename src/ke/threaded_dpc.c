/* SPDX-License-Identifier: MIT */
/*
 * Threaded DPCs: one queue for each VP, served by a thread of the highest
 * priority at PASSIVE_LEVEL that runs on that VP only. The queues are guarded
 * by the dispatcher lock; KDPC.DpcData of a queued one is its queue.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "host/memory.h"

enum { STACK_PAGES = 24, QUEUE_HIGH_PRIORITY = HIGH_PRIORITY };

struct threaded_queue {
    PKDPC first, last;
    KSEMAPHORE available;
    uint64_t queued, done;
    struct ke_thread thread;
    void *stack;
};

static struct threaded_queue queues[MAXIMUM_PROCESSORS]; /* one for each VP */

static void link_in(struct threaded_queue *queue, PKDPC dpc)
{
    bool front = dpc->Importance == HighImportance;
    dpc->DpcListEntry.Next = front && queue->first != NULL ? &queue->first->DpcListEntry : NULL;
    if (!front && queue->last != NULL)
        queue->last->DpcListEntry.Next = &dpc->DpcListEntry;
    if (front || queue->first == NULL)
        queue->first = dpc;
    if (queue->last == NULL || !front)
        queue->last = dpc;
}

static void unlink_from(struct threaded_queue *queue, PKDPC dpc)
{
    SINGLE_LIST_ENTRY *before = NULL;
    for (SINGLE_LIST_ENTRY *it = &queue->first->DpcListEntry; it != &dpc->DpcListEntry; it = it->Next)
        before = it;
    SINGLE_LIST_ENTRY *next = dpc->DpcListEntry.Next;
    if (before != NULL)
        before->Next = next;
    else
        queue->first = next != NULL ? container_of(next, KDPC, DpcListEntry) : NULL;
    if (queue->last == dpc)
        queue->last = before != NULL ? container_of(before, KDPC, DpcListEntry) : NULL;
}

bool threaded_dpc_queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    struct threaded_queue *queue = &queues[dpc_target(dpc)->ke.number];
    if (dpc->DpcData != NULL)
        return false;
    dpc->DpcData = queue;
    dpc->SystemArgument1 = argument1;
    dpc->SystemArgument2 = argument2;
    link_in(queue, dpc);
    queue->queued++;
    queue->available.Header.SignalState++;
    wait_test(&queue->available.Header, 0);
    return true;
}

bool threaded_dpc_queue(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    dispatcher_acquire();
    bool queued = threaded_dpc_queue_locked(dpc, argument1, argument2);
    dispatcher_release_and_yield();
    return queued;
}

/* The semaphore keeps its count: the thread finds an empty queue and waits on. */
bool threaded_dpc_remove_locked(PKDPC dpc)
{
    struct threaded_queue *queue = dpc->DpcData;
    if (queue == NULL)
        return false;
    unlink_from(queue, dpc);
    dpc->DpcData = NULL;
    queue->queued--;
    return true;
}

static bool take_one(struct threaded_queue *queue, KDPC *copy, PKDPC *dpc)
{
    dispatcher_acquire();
    *dpc = queue->first;
    if (*dpc != NULL) {
        unlink_from(queue, *dpc);
        *copy = **dpc;
        (*dpc)->DpcData = NULL;
    }
    dispatcher_release();
    return *dpc != NULL;
}

static void serve(void *context)
{
    struct threaded_queue *queue = context;
    KDPC copy;
    PKDPC dpc;
    for (;;) {
        wait_for_object(&queue->available.Header);
        while (take_one(queue, &copy, &dpc)) {
            /* SR-12: at PASSIVE_LEVEL, in the thread of its processor. */
            dpc_run(dpc, copy.DeferredRoutine, copy.DeferredContext, copy.SystemArgument1,
                    copy.SystemArgument2);
            __atomic_store_n(&queue->done, queue->done + 1, __ATOMIC_RELEASE);
        }
    }
}

static void flush(struct threaded_queue *queue)
{
    LARGE_INTEGER tick = {.QuadPart = -10000};
    uint64_t upto = __atomic_load_n(&queue->queued, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&queue->done, __ATOMIC_ACQUIRE) < upto && ke_thread() != &queue->thread)
        KeDelayExecutionThread(KernelMode, FALSE, &tick);
}

void threaded_dpcs_flush(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        flush(&queues[i]);
}

bool threaded_dpc_is_current(void)
{
    return ke_thread() == &queues[vp_current()->ke.number].thread;
}

static NTSTATUS start(struct threaded_queue *queue, struct vp *vp)
{
    KeInitializeSemaphore(&queue->available, 0, INT32_MAX);
    queue->stack = hmem_reserve(HMEM_STACK, STACK_PAGES, 1, 1);
    if (queue->stack == NULL || !NT_SUCCESS(hmem_commit(queue->stack, STACK_PAGES, HMEM_RW)))
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_thread_init(&queue->thread, queue->stack, STACK_PAGES * PAGE_SIZE, serve, queue, NULL);
    queue->thread.name = "threaded DPCs";
    queue->thread.base_priority = queue->thread.priority = QUEUE_HIGH_PRIORITY;
    queue->thread.affinity = queue->thread.user_affinity = vp->mask;
    ke_thread_start(&queue->thread);
    return STATUS_SUCCESS;
}

NTSTATUS threaded_dpcs_init(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        queues[i] = (struct threaded_queue){0};
        NTSTATUS status = start(&queues[i], &ke_vps[i]);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

void threaded_dpcs_fini(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        if (queues[i].stack != NULL)
            hmem_release(queues[i].stack, STACK_PAGES);
        queues[i].stack = NULL;
    }
}

void threaded_dpcs_for_each(void (*visit)(PRKDPC dpc, void *context), void *context)
{
    dispatcher_acquire();
    for (unsigned i = 0; i < ke_vp_count; i++)
        for (PKDPC dpc = queues[i].first; dpc != NULL;
             dpc = dpc->DpcListEntry.Next ? container_of(dpc->DpcListEntry.Next, KDPC, DpcListEntry) : NULL)
            visit(dpc, context);
    dispatcher_release();
}
