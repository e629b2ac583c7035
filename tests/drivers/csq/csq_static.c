/* SPDX-License-Identifier: MIT */
/*
 * A driver that brings its cancel-safe queue with it, as one linked with the
 * static library csq.lib does: none of the IoCsq routines is imported, the same
 * callbacks are called, and cancellation finds the queue by the cancel routine
 * and DriverContext[3] alone.
 */
#include "../sq/sq.h"

static PDEVICE_OBJECT device;
static IO_CSQ csq;
static LIST_ENTRY list;
static KSPIN_LOCK lock;

static VOID NTAPI static_cancel(PDEVICE_OBJECT for_device, PIRP irp)
{
    PIO_CSQ from = irp->Tail.Overlay.DriverContext[3];
    KIRQL irql;

    IoReleaseCancelSpinLock(irp->CancelIrql);
    from->CsqAcquireLock(from, &irql);
    from->CsqRemoveIrp(from, irp);
    from->CsqReleaseLock(from, irql);
    from->CsqCompleteCanceledIrp(from, irp);
}

static VOID static_insert(PIO_CSQ to, PIRP irp)
{
    BOOLEAN too_late;
    KIRQL irql;

    irp->Tail.Overlay.DriverContext[3] = to;
    to->CsqAcquireLock(to, &irql);
    to->CsqInsertIrp(to, irp);
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, static_cancel);
    too_late = irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL;
    if (too_late)
        to->CsqRemoveIrp(to, irp);
    to->CsqReleaseLock(to, irql);
    if (too_late)
        to->CsqCompleteCanceledIrp(to, irp);
}

static PIRP static_remove_next(PIO_CSQ from)
{
    PIRP irp;
    KIRQL irql;

    from->CsqAcquireLock(from, &irql);
    irp = from->CsqPeekNextIrp(from, NULL, NULL);
    while (irp != NULL && IoSetCancelRoutine(irp, NULL) == NULL)
        irp = from->CsqPeekNextIrp(from, irp, NULL);
    if (irp != NULL)
        from->CsqRemoveIrp(from, irp);
    from->CsqReleaseLock(from, irql);
    return irp;
}

static VOID NTAPI insert(PIO_CSQ to, PIRP irp)
{
    InsertTailList(&list, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI remove_irp(PIO_CSQ from, PIRP irp)
{
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI peek_next(PIO_CSQ from, PIRP irp, PVOID context)
{
    PLIST_ENTRY entry = irp ? irp->Tail.Overlay.ListEntry.Flink : list.Flink;

    return entry == &list ? NULL : CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI acquire(PIO_CSQ of, PKIRQL irql)
{
    KeAcquireSpinLock(&lock, irql);
}

static VOID NTAPI release(PIO_CSQ of, KIRQL irql)
{
    KeReleaseSpinLock(&lock, irql);
}

static VOID NTAPI complete_canceled(PIO_CSQ of, PIRP irp)
{
    sq_complete(irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT for_device, PIRP irp)
{
    static_insert(&csq, irp);
    return STATUS_PENDING;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    NTSTATUS status;

    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverUnload = sq_unload;
    status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    InitializeListHead(&list);
    KeInitializeSpinLock(&lock);
    csq.Type = 1; /* IO_TYPE_CSQ */
    csq.CsqInsertIrp = insert;
    csq.CsqRemoveIrp = remove_irp;
    csq.CsqPeekNextIrp = peek_next;
    csq.CsqAcquireLock = acquire;
    csq.CsqReleaseLock = release;
    csq.CsqCompleteCanceledIrp = complete_canceled;
    sq_send(device, 0, 0);
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    CHECK("CSQ-10", IoCancelIrp(sq_irps[0]) && sq_status[0] == STATUS_CANCELLED);
    sq_complete(static_remove_next(&csq), STATUS_SUCCESS);
    CHECK("CSQ-10", sq_status[1] == STATUS_SUCCESS && sq_status[2] == STATUS_PENDING);
    CHECK("CSQ-10", IoCancelIrp(sq_irps[2]) && static_remove_next(&csq) == NULL);
    sq_free(3);
    return STATUS_SUCCESS;
}
