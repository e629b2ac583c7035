/* SPDX-License-Identifier: MIT */
/*
 * Work items: two queues, critical and delayed, each served by three system
 * threads in the order of queueing. An item is the driver's again as soon as
 * its routine starts, so the routine may free it or queue it anew.
 */
#include "ex/ex.h"
#include "ke/routines.h"
#include "base/lock.h"

#define THREADS_PER_QUEUE 3
#define DEFER_TAG         0x66446B57u /* 'WkDf' */

enum queue_number { CRITICAL, DELAYED, QUEUES };

struct worker {
    struct ps_thread *thread;
    struct work_queue *queue;
};

struct work_queue {
    const char *name;
    KPRIORITY priority;
    rl_lock lock;
    LIST_ENTRY items;
    KSEMAPHORE available;
    struct worker workers[THREADS_PER_QUEUE];
};

static struct work_queue queues[QUEUES] = {
    [CRITICAL] = {.name = "critical worker", .priority = 13},
    [DELAYED] = {.name = "delayed worker", .priority = 12},
};
static bool stopping;
static LONG outstanding; /* items queued or running */
static KEVENT all_done;

static WORK_QUEUE_ITEM *take_item(struct work_queue *queue)
{
    rl_lock_acquire(&queue->lock);
    WORK_QUEUE_ITEM *item =
        list_empty(&queue->items) ? NULL : (WORK_QUEUE_ITEM *)list_remove_head(&queue->items);
    if (item != NULL)
        item->List.Flink = NULL; /* no longer queued: it may be queued again */
    rl_lock_release(&queue->lock);
    return item;
}

/* What a routine may not leave behind: 0xE1 a raised IRQL, 0x1 an unbalanced critical or guarded region. */
static void check_return(PWORKER_THREAD_ROUTINE routine, PVOID parameter, const void *item,
                         SHORT kernel_before)
{
    const struct ke_thread *self = ke_thread();
    if (ke_irql() != PASSIVE_LEVEL)
        ke_bugcheck_code(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (uintptr_t)routine, ke_irql(),
                         (uintptr_t)parameter, (uintptr_t)item);
    if (self->kernel_apc_disable != kernel_before || self->special_apc_disable != 0)
        ke_bugcheck_code(APC_INDEX_MISMATCH, (uintptr_t)routine, 0,
                         (ULONG64)(USHORT)self->special_apc_disable << 16 | (USHORT)self->kernel_apc_disable,
                         0);
}

static void run_item(WORK_QUEUE_ITEM *item)
{
    PWORKER_THREAD_ROUTINE routine = item->WorkerRoutine;
    PVOID parameter = item->Parameter;
    SHORT kernel_before = ke_thread()->kernel_apc_disable;
    uint64_t cookie = ke_callout_enter("work item", (const void *)routine);
    /* SR-31: called by a system worker thread at PASSIVE_LEVEL */
    routine(parameter);
    ke_callout_leave("work item", (const void *)routine, cookie);
    check_return(routine, parameter, item, kernel_before);
    if (__atomic_sub_fetch(&outstanding, 1, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&all_done, 0, FALSE);
}

static void worker_main(void *context)
{
    struct worker *worker = context;
    KeSetPriorityThread((PKTHREAD)ke_thread(), worker->queue->priority);
    for (;;) {
        KeWaitForSingleObject(&worker->queue->available, WrQueue, KernelMode, FALSE, NULL);
        WORK_QUEUE_ITEM *item = take_item(worker->queue);
        if (item != NULL)
            run_item(item);
        else if (stopping)
            ke_thread_exit(STATUS_SUCCESS);
    }
}

static void enqueue(struct work_queue *queue, WORK_QUEUE_ITEM *item)
{
    __atomic_add_fetch(&outstanding, 1, __ATOMIC_ACQ_REL);
    rl_lock_acquire(&queue->lock);
    list_insert_tail(&queue->items, &item->List);
    rl_lock_release(&queue->lock);
    KeReleaseSemaphore(&queue->available, 0, 1, FALSE);
}

/*
 * Has a system thread call the item's routine at PASSIVE_LEVEL. Bug check 0xE4 for an item that is queued
 * already or was never initialized, and for a queue that does not exist. Owns: the queue, until the routine
 * starts.
 */
EXPORT(ntoskrnl, ExQueueWorkItem, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    if (WorkItem->List.Flink != NULL)
        ke_bugcheck_code(WORKER_INVALID, 1, (uintptr_t)WorkItem, (uintptr_t)WorkItem->WorkerRoutine, 0);
    if ((unsigned)QueueType >= MaximumWorkQueue)
        ke_bugcheck_code(WORKER_INVALID, 5, (uintptr_t)WorkItem, QueueType, 0);
    bool delayed =
        QueueType == DelayedWorkQueue || QueueType == NormalWorkQueue || QueueType == BackgroundWorkQueue;
    enqueue(&queues[delayed ? DELAYED : CRITICAL], WorkItem);
}

static void NTAPI run_own_work(PVOID parameter)
{
    struct ex_work *work = parameter;
    work->fn(work->context);
}

void ex_queue_work(struct ex_work *work, void (*fn)(void *), void *context)
{
    *work = (struct ex_work){
        .item = {.WorkerRoutine = run_own_work, .Parameter = work}, .fn = fn, .context = context};
    enqueue(&queues[DELAYED], &work->item);
}

/* The storage of a deferred call is its own: freed before the call, which may take long. */
static void NTAPI run_deferred(PVOID parameter)
{
    struct ex_work work = *(struct ex_work *)parameter;
    mm_free(parameter);
    work.fn(work.context);
}

static void defer(void (*fn)(void *), void *context)
{
    struct ex_work *work = mm_alloc(sizeof *work, DEFER_TAG);
    RL_ASSERT(work != NULL);
    *work = (struct ex_work){
        .item = {.WorkerRoutine = run_deferred, .Parameter = work}, .fn = fn, .context = context};
    enqueue(&queues[CRITICAL], &work->item);
}

void ex_drain_work(void)
{
    for (;;) {
        KeClearEvent(&all_done);
        if (__atomic_load_n(&outstanding, __ATOMIC_ACQUIRE) == 0)
            return;
        KeWaitForSingleObject(&all_done, Executive, KernelMode, FALSE, NULL);
    }
}

static NTSTATUS start_queue(struct work_queue *queue)
{
    NTSTATUS status = STATUS_SUCCESS;
    list_init(&queue->items);
    KeInitializeSemaphore(&queue->available, 0, 0x7FFFFFFF);
    for (int i = 0; i < THREADS_PER_QUEUE && NT_SUCCESS(status); i++) {
        queue->workers[i] = (struct worker){.queue = queue};
        status =
            ps_create_system_thread(&queue->workers[i].thread, worker_main, &queue->workers[i], queue->name);
    }
    return status;
}

NTSTATUS ex_work_init(void)
{
    stopping = false;
    outstanding = 0;
    KeInitializeEvent(&all_done, NotificationEvent, FALSE);
    NTSTATUS status = start_queue(&queues[CRITICAL]);
    if (NT_SUCCESS(status))
        status = start_queue(&queues[DELAYED]);
    if (NT_SUCCESS(status))
        ob_defer = defer;
    return status;
}

static void stop_queue(struct work_queue *queue)
{
    KeReleaseSemaphore(&queue->available, 0, THREADS_PER_QUEUE, FALSE);
    for (int i = 0; i < THREADS_PER_QUEUE; i++) {
        struct ps_thread *thread = queue->workers[i].thread;
        if (thread == NULL)
            continue;
        KeWaitForSingleObject(&thread->tcb.header, Executive, KernelMode, FALSE, NULL);
        ob_dereference(thread);
        queue->workers[i].thread = NULL;
    }
}

/* In NT context the workers finish what is queued and end; after a bug check, or without a VP, they are gone
 * already. */
void ex_work_fini(void)
{
    ob_defer = NULL;
    if (!ke_on_vp() || ke_bugcheck_happened() != NULL)
        return;
    ex_drain_work();
    stopping = true;
    for (int q = 0; q < QUEUES; q++)
        stop_queue(&queues[q]);
}
