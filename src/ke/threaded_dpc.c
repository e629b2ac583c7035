/* SPDX-License-Identifier: MIT */
/*
 * Threaded DPCs: one queue for the machine, served by a thread of the highest
 * priority at PASSIVE_LEVEL. The queue is guarded by the dispatcher lock;
 * KDPC.DpcData of a queued one is the queue itself.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "host/memory.h"

enum { STACK_PAGES = 24, QUEUE_HIGH_PRIORITY = HIGH_PRIORITY };

static PKDPC first, last;
static KSEMAPHORE available;
static struct ke_thread thread;
static void *stack;
static uint64_t queued_count, done_count;

static void link_in(PKDPC dpc)
{
    bool front = dpc->Importance == HighImportance;
    dpc->DpcListEntry.Next = front && first != NULL ? &first->DpcListEntry : NULL;
    if (!front && last != NULL)
        last->DpcListEntry.Next = &dpc->DpcListEntry;
    if (front || first == NULL)
        first = dpc;
    if (last == NULL || !front)
        last = dpc;
}

static void unlink_from(PKDPC dpc)
{
    SINGLE_LIST_ENTRY *before = NULL;
    for (SINGLE_LIST_ENTRY *it = &first->DpcListEntry; it != &dpc->DpcListEntry; it = it->Next)
        before = it;
    SINGLE_LIST_ENTRY *next = dpc->DpcListEntry.Next;
    if (before != NULL)
        before->Next = next;
    else
        first = next != NULL ? container_of(next, KDPC, DpcListEntry) : NULL;
    if (last == dpc)
        last = before != NULL ? container_of(before, KDPC, DpcListEntry) : NULL;
}

bool threaded_dpc_queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    if (dpc->DpcData != NULL)
        return false;
    dpc->DpcData = &first;
    dpc->SystemArgument1 = argument1;
    dpc->SystemArgument2 = argument2;
    link_in(dpc);
    queued_count++;
    available.Header.SignalState++;
    wait_test(&available.Header, 0);
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
    if (dpc->DpcData != &first)
        return false;
    unlink_from(dpc);
    dpc->DpcData = NULL;
    queued_count--;
    return true;
}

static bool take_one(KDPC *copy, PKDPC *dpc)
{
    dispatcher_acquire();
    *dpc = first;
    if (*dpc != NULL) {
        unlink_from(*dpc);
        *copy = **dpc;
        (*dpc)->DpcData = NULL;
    }
    dispatcher_release();
    return *dpc != NULL;
}

static void serve(void *unused)
{
    KDPC copy;
    PKDPC dpc;
    (void)unused;
    for (;;) {
        wait_for_object(&available.Header);
        while (take_one(&copy, &dpc)) {
            dpc_run(dpc, copy.DeferredRoutine, copy.DeferredContext, copy.SystemArgument1,
                    copy.SystemArgument2);
            __atomic_store_n(&done_count, done_count + 1, __ATOMIC_RELEASE);
        }
    }
}

void threaded_dpcs_flush(void)
{
    LARGE_INTEGER tick = {.QuadPart = -10000};
    uint64_t upto = __atomic_load_n(&queued_count, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&done_count, __ATOMIC_ACQUIRE) < upto && ke_thread() != &thread)
        KeDelayExecutionThread(KernelMode, FALSE, &tick);
}

bool threaded_dpc_is_current(void)
{
    return ke_thread() == &thread;
}

NTSTATUS threaded_dpcs_init(void)
{
    first = last = NULL;
    queued_count = done_count = 0;
    KeInitializeSemaphore(&available, 0, INT32_MAX);
    stack = hmem_reserve(HMEM_STACK, STACK_PAGES, 1, 1);
    if (stack == NULL || !NT_SUCCESS(hmem_commit(stack, STACK_PAGES, HMEM_RW)))
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_thread_init(&thread, stack, STACK_PAGES * PAGE_SIZE, serve, NULL, NULL);
    thread.name = "threaded DPCs";
    thread.base_priority = thread.priority = QUEUE_HIGH_PRIORITY;
    ke_thread_start(&thread);
    return STATUS_SUCCESS;
}

void threaded_dpcs_fini(void)
{
    if (stack != NULL)
        hmem_release(stack, STACK_PAGES);
    stack = NULL;
}
