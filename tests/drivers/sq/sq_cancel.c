/* SPDX-License-Identifier: MIT */
/*
 * Cancelable packets in the I/O manager's device queue, handled as the
 * documentation has it: the cancel spin lock guards CurrentIrp and the queue,
 * StartIo and the cancel routine each look who has the IRP. Small letters in the
 * log are completions; '!' is the cancel routine that let go of the current IRP,
 * '?' the one that found it neither current nor queued.
 */
#include "sq.h"

static PDEVICE_OBJECT device;
static BOOLEAN cancel_in_start; /* as another processor would, when StartIo has just been called */
static BOOLEAN keep_cancelable; /* StartIo leaves the routine set */
static PDRIVER_CANCEL at_start; /* what StartIo found */
static KIRQL level_at_start, cancel_level;

static VOID NTAPI cancel(PDEVICE_OBJECT for_device, PIRP irp)
{
    BOOLEAN current = irp == for_device->CurrentIrp;
    BOOLEAN queued = FALSE;

    CHECK("SR-21", KeGetCurrentIrql() == DISPATCH_LEVEL && for_device == device);
    CHECK("CAN-03", for_device == IoGetCurrentIrpStackLocation(irp)->DeviceObject);
    CHECK("CAN-01", irp->Cancel && irp->CancelRoutine == NULL);
    if (!current)
        queued = KeRemoveEntryDeviceQueue(&for_device->DeviceQueue, &irp->Tail.Overlay.DeviceQueueEntry);
    cancel_level = irp->CancelIrql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    CHECK_EQ("SR-21", KeGetCurrentIrql(), cancel_level);
    if (queued)
        sq_complete(irp, STATUS_CANCELLED);
    else
        sq_add(current ? '!' : '?');
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT for_device, PIRP irp)
{
    IoMarkIrpPending(irp);
    IoStartPacket(for_device, irp, NULL, cancel);
    return STATUS_PENDING;
}

static VOID NTAPI start(PDEVICE_OBJECT for_device, PIRP irp)
{
    sq_add((char)('A' + sq_number(irp)));
    at_start = irp->CancelRoutine;
    if (cancel_in_start)
        CHECK("SQ-34", IoCancelIrp(irp));
    IoAcquireCancelSpinLock(&level_at_start);
    if (irp != for_device->CurrentIrp) {
        IoReleaseCancelSpinLock(level_at_start);
        return;
    }
    if (!keep_cancelable)
        CHECK("CAN-06", IoSetCancelRoutine(irp, NULL) == (cancel_in_start ? NULL : at_start));
    if (!irp->Cancel) {
        IoReleaseCancelSpinLock(level_at_start);
        return;
    }
    IoReleaseCancelSpinLock(level_at_start);
    IoStartNextPacket(for_device, TRUE);
    sq_complete(irp, STATUS_CANCELLED);
}

static VOID finish_current(BOOLEAN cancelable, NTSTATUS status)
{
    PIRP irp = device->CurrentIrp;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(device, cancelable);
    sq_complete(irp, status);
    KeLowerIrql(irql);
}

/* The cancel spin lock is free in StartIo, at DISPATCH_LEVEL, and CurrentIrp is its IRP. */
static VOID cancel_queued(VOID)
{
    sq_send(device, 0, 0);
    CHECK_EQ("SQ-22", level_at_start, DISPATCH_LEVEL);
    CHECK("SQ-33", sq_irps[0]->CancelRoutine == NULL); /* StartIo took it out */
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    CHECK("SQ-20", sq_irps[1]->CancelRoutine == cancel && !sq_irps[1]->Cancel);
    CHECK("SQ-34", IoCancelIrp(sq_irps[1]) && sq_status[1] == STATUS_CANCELLED);
    CHECK("CAN-01", cancel_level == PASSIVE_LEVEL && KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK_LOG("SQ-34", "Ab"); /* it leaves the middle of the queue, the device is not disturbed */
    CHECK("CAN-09", !IoCancelIrp(sq_irps[0]) && sq_irps[0]->Cancel); /* no routine any more: only the mark */
    CHECK_LOG("CAN-09", "");
    finish_current(TRUE, STATUS_CANCELLED);
    CHECK_LOG("SQ-34", "Ca");
    CHECK("CAN-09", level_at_start == DISPATCH_LEVEL && device->CurrentIrp == sq_irps[2]);
    finish_current(TRUE, STATUS_SUCCESS);
    CHECK("SQ-26", device->CurrentIrp == NULL && !device->DeviceQueue.Busy);
    CHECK_LOG("SQ-26", "c");
    sq_free(3);
}

/* Cancelled between the call of StartIo and its taking the lock: the cancel routine leaves it to StartIo. */
static VOID cancel_current(VOID)
{
    KIRQL irql;

    cancel_in_start = TRUE;
    sq_send(device, 0, 0);
    CHECK_LOG("SQ-33", "A!a");
    CHECK("SQ-33", sq_status[0] == STATUS_CANCELLED && !device->DeviceQueue.Busy);
    CHECK("CAN-01", cancel_level == DISPATCH_LEVEL);
    cancel_in_start = FALSE;
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    cancel_in_start = TRUE;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(device, TRUE);
    KeLowerIrql(irql);
    cancel_in_start = FALSE;
    CHECK("CAN-10", sq_status[2] == STATUS_CANCELLED && device->CurrentIrp == NULL);
    sq_complete(sq_irps[1], STATUS_SUCCESS);
    CHECK_LOG("SQ-33", "BC!cb");
    sq_free(3);
}

/* Canceled before it is queued: the I/O manager calls the routine. On an idle device StartIo sees the mark.
 */
static VOID cancel_before(VOID)
{
    PIRP irp = sq_make(device, 0, 0);

    CHECK("CAN-01", !IoCancelIrp(irp) && irp->Cancel);
    IoCallDriver(device, irp);
    CHECK_LOG("SQ-33", "Aa");
    CHECK("SQ-33", sq_status[0] == STATUS_CANCELLED && at_start == cancel);
    sq_send(device, 1, 0);
    irp = sq_make(device, 2, 0);
    IoCancelIrp(irp);
    cancel_level = HIGH_LEVEL;
    CHECK_STATUS("SQ-24", IoCallDriver(device, irp), STATUS_PENDING);
    CHECK("SQ-24", sq_status[2] == STATUS_CANCELLED && IsListEmpty(&device->DeviceQueue.DeviceListHead));
    CHECK("SQ-24", cancel_level == DISPATCH_LEVEL && KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK_LOG("SQ-24", "Bc");
    finish_current(TRUE, STATUS_SUCCESS);
    CHECK_LOG("SQ-24", "b");
    sq_free(3);
}

/*
 * NonCancelable: the I/O manager takes the routine out before StartIo. Otherwise it is still there, and
 * StartIo races with cancellation; the same if IoStartNextPacket is not told that the packets are cancelable.
 */
static VOID attributes(VOID)
{
    keep_cancelable = TRUE;
    sq_send(device, 0, 0);
    CHECK("SQ-29", at_start == cancel); /* the default: it stays */
    CHECK("SQ-38", at_start == cancel && sq_irps[0]->CancelRoutine == cancel);
    CHECK("SQ-38", IoCancelIrp(sq_irps[0])); /* while the device works on it */
    CHECK_LOG("SQ-38", "A!");
    IoSetStartIoAttributes(device, FALSE, TRUE);
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    CHECK("SQ-20", sq_irps[1]->CancelRoutine == cancel); /* cancelable while it waits */
    finish_current(TRUE, STATUS_CANCELLED);
    CHECK("SQ-23", at_start == NULL && sq_irps[1]->CancelRoutine == NULL);
    CHECK("SQ-29", at_start == NULL);
    CHECK("SQ-23", !IoCancelIrp(sq_irps[1]));
    finish_current(FALSE, STATUS_SUCCESS);
    CHECK("SQ-27", at_start == cancel); /* wrongly FALSE: it does not look at cancel routines */
    IoSetCancelRoutine(sq_irps[2], NULL);
    finish_current(TRUE, STATUS_SUCCESS);
    CHECK_LOG("SQ-27", "BaCbc");
    sq_send(device, 3, 0); /* an idle device */
    CHECK("SQ-23", at_start == NULL && sq_irps[3]->CancelRoutine == NULL);
    finish_current(TRUE, STATUS_SUCCESS);
    sq_read("Dd");
    IoSetStartIoAttributes(device, FALSE, FALSE);
    keep_cancelable = FALSE;
    sq_free(4);
}

/* Out of the queue, and not current: a cancel routine that comes so late has nothing to do. */
static VOID cancel_late(VOID)
{
    sq_send(device, 0, 0);
    sq_send(device, 1, 0);
    KeRemoveEntryDeviceQueue(&device->DeviceQueue, &sq_irps[1]->Tail.Overlay.DeviceQueueEntry);
    CHECK("SQ-34", IoCancelIrp(sq_irps[1]) && sq_status[1] == STATUS_PENDING);
    CHECK_LOG("SQ-34", "A?");
    sq_complete(sq_irps[1], STATUS_CANCELLED);
    finish_current(TRUE, STATUS_SUCCESS);
    CHECK_LOG("SQ-34", "ba");
    sq_free(2);
}

/* Whoever holds the cancel spin lock must not say that packets are cancelable: it is taken. */
static NTSTATUS NTAPI control(PDEVICE_OBJECT for_device, PIRP irp)
{
    BOOLEAN cancelable =
        IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode == RL_IOCTL(1);
    KIRQL irql;

    sq_send(device, 0, 0);
    IoAcquireCancelSpinLock(&irql);
    IoStartNextPacket(device, cancelable);
    IoReleaseCancelSpinLock(irql);
    sq_complete(sq_irps[0], STATUS_SUCCESS);
    sq_free(1);
    DbgPrint("not taken\n");
    return sq_open_close(for_device, irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SqCancel");
    NTSTATUS status;

    driver->MajorFunction[IRP_MJ_CREATE] = sq_open_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = sq_open_close;
    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->DriverStartIo = start;
    driver->DriverUnload = sq_unload;
    status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    cancel_queued();
    cancel_current();
    cancel_before();
    attributes();
    cancel_late();
    return STATUS_SUCCESS;
}
