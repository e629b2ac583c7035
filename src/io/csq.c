/* SPDX-License-Identifier: MIT */
/*
 * Cancel-safe queues: the driver has the queue and its lock, this file the
 * race with cancellation. DriverContext[3] of a queued IRP leads to the queue,
 * or to the caller's IO_CSQ_IRP_CONTEXT.
 */
#include "io/private.h"

#define CSQ_SLOT 3

/* IRQL: any. Rules: CSQ-01. */
EXPORT(ntoskrnl, IoCsqInitialize, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp, PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                               PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                               PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                               PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    /* CSQ-01: the driver's storage, six callbacks. */
    *Csq = (IO_CSQ){IO_TYPE_CSQ,    CsqInsertIrp,   CsqRemoveIrp,          CsqPeekNextIrp,
                    CsqAcquireLock, CsqReleaseLock, CsqCompleteCanceledIrp};
    return STATUS_SUCCESS;
}

/* With an insert routine that may refuse. IRQL: any. Rules: CSQ-01. */
EXPORT(ntoskrnl, IoCsqInitializeEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp,
                                 PIO_CSQ_REMOVE_IRP CsqRemoveIrp, PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                 PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    /* CSQ-01: the same, but for the type and the insert routine. */
    *Csq = (IO_CSQ){IO_TYPE_CSQ_EX,        (PIO_CSQ_INSERT_IRP)(PVOID)CsqInsertIrp,
                    CsqRemoveIrp,          CsqPeekNextIrp,
                    CsqAcquireLock,        CsqReleaseLock,
                    CsqCompleteCanceledIrp};
    return STATUS_SUCCESS;
}

/* Neither the context nor the IRP leads to the other any more. */
static void forget(PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context = irp->Tail.Overlay.DriverContext[CSQ_SLOT];
    if (context && context->Type == IO_TYPE_CSQ_IRP_CONTEXT)
        /* CSQ-06: there is nothing to remove. */
        context->Irp = NULL;
    irp->Tail.Overlay.DriverContext[CSQ_SLOT] = NULL;
}

/* The queue's lock is held. The IRP leaves the queue and forgets it. */
static void take_out(PIO_CSQ csq, PIRP irp)
{
    /* SR-23: with the lock held. */
    csq->CsqRemoveIrp(csq, irp);
    forget(irp);
}

static PIO_CSQ csq_of(PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context = irp->Tail.Overlay.DriverContext[CSQ_SLOT];
    return context->Type == IO_TYPE_CSQ_IRP_CONTEXT ? context->Csq : (PIO_CSQ)(PVOID)context;
}

/* Rules: CSQ-08. */
static VOID NTAPI cancel_queued(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL irql;
    /* CSQ-08: first, the queue's lock is not to be nested in it. */
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    PIO_CSQ csq = csq_of(Irp);
    csq->CsqAcquireLock(csq, &irql);
    /* CSQ-08: nobody else does, since this routine was in the IRP. */
    take_out(csq, Irp);
    csq->CsqReleaseLock(csq, irql);
    /* CSQ-08, SR-26: without any lock. */
    csq->CsqCompleteCanceledIrp(csq, Irp);
}

static NTSTATUS call_insert(PIO_CSQ csq, PIRP irp, PVOID insert_context)
{
    if (csq->Type == IO_TYPE_CSQ_EX)
        /* CSQ-04: its status is the caller's. */
        return ((PIO_CSQ_INSERT_IRP_EX)(PVOID)csq->CsqInsertIrp)(csq, irp, insert_context);
    /* SR-22: with the lock held. */
    csq->CsqInsertIrp(csq, irp);
    return STATUS_SUCCESS;
}

/* It is in the queue, the lock is held. False: it was canceled meanwhile, and is out again. */
static bool hold(PIO_CSQ csq, PIRP irp)
{
    /* CSQ-02: before anybody can complete it. */
    IoMarkIrpPending(irp);
    /* CSQ-02: from here on it can be canceled. */
    IoSetCancelRoutine(irp, cancel_queued);
    /* CSQ-03: canceled before; and nobody has called the routine for it. */
    if (!irp->Cancel || !IoSetCancelRoutine(irp, NULL))
        return true;
    take_out(csq, irp);
    return false;
}

/* The lock is held. *queued is false for one that is canceled: CsqCompleteCanceledIrp gets it. */
static NTSTATUS insert(PIO_CSQ csq, PIRP irp, PVOID insert_context, bool *queued)
{
    /* CSQ-03: not even tried. */
    if (irp->Cancel) {
        IoMarkIrpPending(irp);
        forget(irp);
        *queued = false;
        return STATUS_SUCCESS;
    }
    NTSTATUS status = call_insert(csq, irp, insert_context);
    /* CSQ-04: one that the driver refused is not queued, and not pending. */
    *queued = !NT_SUCCESS(status) || hold(csq, irp);
    return status;
}

/*
 * Queues the IRP, cancelable, marked pending. An error: the insert routine refused it. One that was canceled
 * before is completed by CsqCompleteCanceledIrp. IRQL: <= DISPATCH_LEVEL. Rules: CSQ-02..CSQ-04, CSQ-07,
 * CSQ-09.
 */
EXPORT(ntoskrnl, IoCsqInsertIrpEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext)
{
    bool queued;
    KIRQL irql;
    if (Context)
        *Context = (IO_CSQ_IRP_CONTEXT){IO_TYPE_CSQ_IRP_CONTEXT, Irp, Csq};
    /* CSQ-07: the framework's slot. */
    Irp->Tail.Overlay.DriverContext[CSQ_SLOT] = Context ? (PVOID)Context : (PVOID)Csq;
    /* SR-25, CSQ-09: a spin lock or a mutex, the driver's choice. */
    Csq->CsqAcquireLock(Csq, &irql);
    NTSTATUS status = insert(Csq, Irp, InsertContext, &queued);
    Csq->CsqReleaseLock(Csq, irql);
    if (!queued)
        /* CSQ-03: the driver completes it. */
        Csq->CsqCompleteCanceledIrp(Csq, Irp);
    return status;
}

/* IRQL: <= DISPATCH_LEVEL. Rules: CSQ-02. */
EXPORT(ntoskrnl, IoCsqInsertIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    IoCsqInsertIrpEx(Csq, Irp, Context, NULL);
}

/* The IRP of that context, out of the queue; NULL if it was canceled. IRQL: <= DISPATCH_LEVEL. Rules: CSQ-06.
 */
EXPORT(ntoskrnl, IoCsqRemoveIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    KIRQL irql;
    Csq->CsqAcquireLock(Csq, &irql);
    PIRP irp = Context->Irp;
    /* CSQ-06: whom the cancel routine has is its. */
    if (irp && !IoSetCancelRoutine(irp, NULL))
        irp = NULL;
    if (irp)
        take_out(Csq, irp);
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}

/* The next IRP that matches and is not canceled, out of the queue; or NULL. IRQL: <= DISPATCH_LEVEL. Rules:
 * CSQ-05. */
EXPORT(ntoskrnl, IoCsqRemoveNextIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    KIRQL irql;
    Csq->CsqAcquireLock(Csq, &irql);
    /* SR-24, CSQ-05: with the lock held, from the beginning. */
    PIRP irp = Csq->CsqPeekNextIrp(Csq, NULL, PeekContext);
    /* CSQ-05: skip those whose cancellation has begun. */
    while (irp && !IoSetCancelRoutine(irp, NULL))
        irp = Csq->CsqPeekNextIrp(Csq, irp, PeekContext);
    if (irp)
        take_out(Csq, irp);
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}
