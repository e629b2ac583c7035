/* SPDX-License-Identifier: MIT */
/*
 * Writes: one at a time, through StartIo. The current one may be ended by the
 * DPC, the timer or a cancel.
 */
#include "serial16550.h"

static BOOLEAN is_over(struct extension *Extension, enum reason Reason, PIRP Canceled)
{
    if (Reason == ALL_SENT)
        return Extension->WriteSent;
    if (Reason == TIMED_OUT)
        return Extension->WriteSeconds != 0 && --Extension->WriteSeconds == 0;
    return Extension->Writing == Canceled;
}

PIRP take_write(struct extension *Extension, enum reason Reason, PIRP Canceled, PULONG Sent)
{
    PIRP Irp = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->Writing != NULL && is_over(Extension, Reason, Canceled)) {
        Irp = Extension->Writing;
        Extension->Writing = NULL;
        KeSynchronizeExecution(Extension->Interrupt, stop_write, Extension);
        *Sent = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length - Extension->WriteLeft;
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return Irp;
}

/* By who took it. Behind the cancel spin lock no cancel routine can still be looking at the IRP. */
void end_write(struct extension *Extension, PIRP Irp, NTSTATUS Status, ULONG Sent)
{
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    IoSetCancelRoutine(Irp, NULL);
    IoReleaseCancelSpinLock(irql);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(Extension->DeviceObject, TRUE);
    KeLowerIrql(irql);
    complete(Irp, Status, Sent, IO_SERIAL_INCREMENT);
}

static VOID NTAPI cancel_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;
    KIRQL irql = Irp->CancelIrql;
    ULONG sent;

    if (DeviceObject->CurrentIrp != Irp) { /* in the device queue: taken out, it is nobody else's */
        BOOLEAN queued =
            KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
        IoReleaseCancelSpinLock(irql);
        if (queued)
            complete(Irp, STATUS_CANCELLED, 0, IO_NO_INCREMENT);
        return;
    }
    /* Current: StartIo sees that it is canceled, or it is being sent. */
    Irp = take_write(Extension, CANCELED, Irp, &sent);
    IoReleaseCancelSpinLock(irql);
    if (Irp != NULL)
        end_write(Extension, Irp, STATUS_CANCELLED, sent);
}

VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    if (Irp->Cancel) {
        IoSetCancelRoutine(Irp, NULL);
        IoReleaseCancelSpinLock(irql);
        IoStartNextPacket(DeviceObject, TRUE);
        complete(Irp, STATUS_CANCELLED, 0, IO_NO_INCREMENT);
        return;
    }
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    Extension->Writing = Irp;
    Extension->WriteSeconds = Extension->WriteTimeout;
    KeSynchronizeExecution(Extension->Interrupt, begin_write, Extension);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    IoReleaseCancelSpinLock(irql);
}

NTSTATUS NTAPI dispatch_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length == 0)
        return complete(Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, cancel_write);
    return STATUS_PENDING;
}
