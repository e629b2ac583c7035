/* SPDX-License-Identifier: MIT */
/*
 * The PnP thread: a queue of actions that one system thread runs one after the
 * other. It is made with the first action, so that a machine without devices
 * has none. The queue's lock is a spin lock at DISPATCH_LEVEL; no lock is held
 * while an action runs.
 */
#include "pnp/private.h"

struct action {
    LIST_ENTRY link;
    NTSTATUS (*run)(void *);
    void (*post)(void *); /* instead of run: nobody waits, and the action is freed */
    void *context;
    NTSTATUS status;
    KEVENT done;
};

static KSPIN_LOCK queue_lock;
static LIST_ENTRY queue;
static KSEMAPHORE queued;
static struct ps_thread *thread;
static bool making; /* somebody makes the thread */

void pnp_thread_reset(void)
{
    queue_lock = 0;
    list_init(&queue);
    KeInitializeSemaphore(&queued, 0, 0x7FFFFFFF);
    thread = NULL;
    making = false;
}

bool pnp_on_thread(void)
{
    return thread && ps_current() == thread;
}

const void *pnp_thread(void)
{
    return thread;
}

static struct action *take(void)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&queue_lock);
    struct action *action =
        list_empty(&queue) ? NULL : container_of(list_remove_head(&queue), struct action, link);
    KeReleaseSpinLock(&queue_lock, irql);
    return action;
}

static void run(struct action *action)
{
    if (action->post) {
        action->post(action->context);
        mm_free(action);
        pnp_catch_up();
        pnp_unload_idle();
        return;
    }
    /* DI-09: start, stop, removals and relations are sent from here: a system thread at PASSIVE_LEVEL. */
    action->status = action->run(action->context);
    pnp_catch_up();
    pnp_unload_idle();
    KeSetEvent(&action->done, IO_NO_INCREMENT, FALSE);
}

static void thread_main(void *context)
{
    thread = ps_current();
    for (;;) {
        KeWaitForSingleObject(&queued, Executive, KernelMode, FALSE, NULL);
        struct action *action = take();
        if (action)
            run(action);
    }
}

static NTSTATUS make_thread(void)
{
    struct ps_thread *made;
    if (__atomic_exchange_n(&making, true, __ATOMIC_ACQ_REL))
        return STATUS_SUCCESS;
    NTSTATUS status = ps_create_system_thread(&made, thread_main, NULL, "PnP");
    if (!NT_SUCCESS(status))
        __atomic_store_n(&making, false, __ATOMIC_RELEASE);
    return status;
}

static void enqueue(struct action *action)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&queue_lock);
    list_insert_tail(&queue, &action->link);
    KeReleaseSpinLock(&queue_lock, irql);
    KeReleaseSemaphore(&queued, IO_NO_INCREMENT, 1, FALSE);
}

NTSTATUS pnp_run(NTSTATUS (*fn)(void *), void *context)
{
    struct action action = {.run = fn, .context = context};
    if (pnp_on_thread())
        return fn(context);
    NTSTATUS status = make_thread();
    if (!NT_SUCCESS(status))
        return status;
    KeInitializeEvent(&action.done, NotificationEvent, FALSE);
    enqueue(&action);
    KeWaitForSingleObject(&action.done, Executive, KernelMode, FALSE, NULL);
    return action.status;
}

/* The thread is there: only nodes are a reason for posting, and it made them. */
bool pnp_post(void (*fn)(void *), void *context)
{
    struct action *action = mm_alloc(sizeof(*action), PNP_TAG);
    if (!action)
        return false;
    action->post = fn;
    action->context = context;
    enqueue(action);
    return true;
}
