/* SPDX-License-Identifier: MIT */
/*
 * IRPs of threads. A threaded IRP stands in its thread's list from its making
 * to its final stage, which runs in that thread: so only the thread itself
 * touches the list (another, never), and no lock is needed. A thread that ends
 * cancels its IRPs and waits for them.
 */
#include "io/private.h"

#define EXIT_TRIES          3000
#define EXIT_INTERVAL_100NS 1000000

void io_queue_irp_to_thread(PIRP irp)
{
    struct ps_thread *thread = ps_current();
    irp->Tail.Overlay.Thread = (PETHREAD)thread;
    list_insert_head(&thread->irps, &irp->ThreadListEntry);
}

void io_dequeue_irp(PIRP irp)
{
    list_remove(&irp->ThreadListEntry);
    list_init(&irp->ThreadListEntry);
}

/*
 * Queues an IRP that the caller built to the current thread: the I/O manager finishes and frees it.
 * IRQL: <= APC_LEVEL. Rules: IRP-10.
 */
EXPORT(ntoskrnl, IoQueueThreadIrp, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI IoQueueThreadIrp(PIRP Irp)
{
    io_queue_irp_to_thread(Irp);
}

/* No longer the thread's: whoever still holds it completes it into nothing (IRP-83). */
static void disown_all(struct ps_thread *thread)
{
    while (!list_empty(&thread->irps)) {
        PIRP irp = container_of(list_remove_head(&thread->irps), IRP, ThreadListEntry);
        list_init(&irp->ThreadListEntry);
        /* IRP-10: disowned. */
        irp->Tail.Overlay.Thread = NULL;
        irp->Cancel = TRUE;
        struct io_irp *slot = io_irp_of(irp);
        TRACE(TRACE_IRP_CANCEL, irp, .text = "its thread ended and did not wait longer",
              .a = slot ? slot->number : 0);
    }
}

static PIRP first_not_canceled(struct ps_thread *thread)
{
    list_for_each(it, &thread->irps)
    {
        PIRP irp = container_of(it, IRP, ThreadListEntry);
        if (!irp->Cancel)
            return irp;
    }
    return NULL;
}

/* On the dying thread at PASSIVE_LEVEL. Rules: IRP-10, CAN-14. */
void io_thread_exiting(struct ps_thread *thread)
{
    PIRP irp;
    /* The list is read anew each time: what is canceled may be finished and freed at once, others with it. */
    while ((irp = first_not_canceled(thread)) != NULL)
        /* IRP-10: every request of the thread is canceled. */
        IoCancelIrp(irp);
    for (unsigned tries = 0; tries < EXIT_TRIES && !list_empty(&thread->irps); tries++) {
        LARGE_INTEGER interval = {.QuadPart = -EXIT_INTERVAL_100NS};
        /* CAN-14: 3000 times 100 ms; each wait lets the final stages run. */
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    disown_all(thread);
}
