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

/* For the device that has it now; the file's, if a driver is just completing it. */
static void log_timeout(PIRP irp)
{
    bool held = irp->CurrentLocation <= irp->StackCount;
    const IO_STACK_LOCATION *location = held ? IoGetCurrentIrpStackLocation(irp) : NULL;
    PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
    PDEVICE_OBJECT device = location ? location->DeviceObject : file ? file->DeviceObject : NULL;
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, sizeof(*packet));
    if (!packet)
        return;
    packet->MajorFunctionCode = location ? location->MajorFunction : 0;
    packet->ErrorCode = IO_DRIVER_CANCEL_TIMEOUT;
    /* CAN-14: in the error log. */
    IoWriteErrorLogEntry(packet);
}

/* No longer the thread's: whoever still holds it completes it into nothing (IRP-83). */
static void disown_all(struct ps_thread *thread)
{
    if (list_empty(&thread->irps))
        return;
    /* For ever: who completes one of them just now may have looked whose it is already. */
    ob_reference(thread);
    while (!list_empty(&thread->irps)) {
        PIRP irp = container_of(list_remove_head(&thread->irps), IRP, ThreadListEntry);
        list_init(&irp->ThreadListEntry);
        log_timeout(irp);
        if (io_ops.cancel_late)
            io_ops.cancel_late(irp, EXIT_TRIES * (EXIT_INTERVAL_100NS / 10000));
        struct io_irp *slot = io_irp_of(irp);
        TRACE(TRACE_IRP_CANCEL, irp, .text = "its thread ended and did not wait longer",
              .a = slot ? slot->number : 0);
        irp->Cancel = TRUE;
        /* IRP-10, CAN-14: disowned; from here on it may be freed at any time. */
        irp->Tail.Overlay.Thread = NULL;
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
    /* No APC, for a final stage takes an IRP out of the list and frees it. */
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    while ((irp = first_not_canceled(thread)) != NULL)
        /* IRP-10, CAN-14: every request of the thread is canceled. */
        IoCancelIrp(irp);
    ke_lower_irql(irql);
    for (unsigned tries = 0; tries < EXIT_TRIES && !list_empty(&thread->irps); tries++) {
        LARGE_INTEGER interval = {.QuadPart = -EXIT_INTERVAL_100NS};
        /* CAN-14: 3000 times 100 ms; each wait lets the final stages run. */
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    irql = ke_raise_irql(APC_LEVEL);
    disown_all(thread);
    ke_lower_irql(irql);
}
