/* SPDX-License-Identifier: MIT */
/*
 * Port-driver pattern: one adapter with StartIo, two targets that each take one
 * request at a time, so each has a device queue of its own. And a stack: StartIo
 * of the upper device forwards, so the lower device's dispatch runs at
 * DISPATCH_LEVEL. The log is sq.h's; the key of a request names its target.
 */
#include "sq.h"

static PDEVICE_OBJECT adapter, upper, lower;
static KDEVICE_QUEUE targets[2];
static KDPC done;

static ULONG target_of(PIRP irp)
{
    return IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Key;
}

static NTSTATUS to_target(PIRP irp)
{
    KIRQL irql;

    IoMarkIrpPending(irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (!KeInsertDeviceQueue(&targets[target_of(irp)], &irp->Tail.Overlay.DeviceQueueEntry))
        IoStartPacket(adapter, irp, NULL, NULL);
    KeLowerIrql(irql);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT device, PIRP irp)
{
    if (device == adapter)
        return to_target(irp);
    if (device == upper) {
        IoMarkIrpPending(irp);
        IoStartPacket(upper, irp, NULL, NULL);
        return STATUS_PENDING;
    }
    CHECK("DI-12", KeGetCurrentIrql() == DISPATCH_LEVEL);
    sq_complete(irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI forwarded(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    CHECK("DI-12", KeGetCurrentIrql() == DISPATCH_LEVEL && upper->CurrentIrp == irp);
    IoStartNextPacket(upper, FALSE);
    return STATUS_SUCCESS; /* marked pending by the dispatch routine already */
}

static VOID NTAPI start(PDEVICE_OBJECT device, PIRP irp)
{
    sq_add((char)('A' + sq_number(irp)));
    if (device == adapter)
        return;
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, forwarded, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(lower, irp);
}

/* Releases the adapter, then the target, whose next request takes its turn at the adapter; then completes. */
static VOID NTAPI dpc(PKDPC self, PVOID context, PVOID unused, PVOID unused_too)
{
    PIRP irp = adapter->CurrentIrp;
    PKDEVICE_QUEUE_ENTRY entry;

    IoStartNextPacket(adapter, FALSE);
    entry = KeRemoveDeviceQueue(&targets[target_of(irp)]);
    if (entry != NULL)
        IoStartPacket(adapter, CONTAINING_RECORD(entry, IRP, Tail.Overlay.DeviceQueueEntry), NULL, NULL);
    sq_complete(irp, STATUS_SUCCESS);
}

static VOID interrupt(VOID)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertQueueDpc(&done, NULL, NULL);
    KeLowerIrql(irql);
}

static VOID two_targets(VOID)
{
    sq_send(adapter, 0, 0);
    sq_send(adapter, 1, 0);
    sq_send(adapter, 2, 1);
    sq_send(adapter, 3, 1);
    CHECK_LOG("SQ-41", "A"); /* A at work, C waits for the adapter, B and D for their targets */
    CHECK("SQ-41", adapter->DeviceQueue.DeviceListHead.Flink ==
                       &sq_irps[2]->Tail.Overlay.DeviceQueueEntry.DeviceListEntry);
    interrupt();
    CHECK_LOG("SQ-41", "Ca"); /* B now waits for the adapter */
    interrupt();
    CHECK_LOG("SQ-41", "Bc");
    interrupt();
    CHECK_LOG("SQ-41", "Db");
    interrupt();
    CHECK_LOG("SQ-41", "d");
    CHECK("SQ-41", !adapter->DeviceQueue.Busy && !targets[0].Busy && !targets[1].Busy);
    sq_free(4);
}

/* A driver without StartIo keeps CurrentIrp itself, or leaves it alone. */
static VOID own_queue(VOID)
{
    KIRQL irql;
    PIRP irp = sq_make(lower, 0, 0);

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertDeviceQueue(&lower->DeviceQueue, &irp->Tail.Overlay.DeviceQueueEntry);
    CHECK("SQ-32", lower->DeviceQueue.Busy && lower->CurrentIrp == NULL);
    lower->CurrentIrp = irp; /* before AllocateAdapterChannel, which gives it to AdapterControl */
    CHECK("SQ-32", KeRemoveDeviceQueue(&lower->DeviceQueue) == NULL && lower->CurrentIrp == irp);
    KeLowerIrql(irql);
    lower->CurrentIrp = NULL;
    IoFreeIrp(irp);
    sq_send(upper, 0, 0);
    CHECK("SQ-32", upper->CurrentIrp == NULL && !upper->DeviceQueue.Busy);
    CHECK_LOG("DI-12", "Aa");
    sq_free(1);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_CONTROLLER, 0, FALSE, &adapter);

    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverStartIo = start;
    driver->DriverUnload = sq_unload;
    if (NT_SUCCESS(status))
        status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower);
    if (NT_SUCCESS(status))
        status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &upper);
    if (!NT_SUCCESS(status)) {
        sq_unload(driver);
        return status;
    }
    upper->StackSize = lower->StackSize + 1;
    KeInitializeDeviceQueue(&targets[0]);
    KeInitializeDeviceQueue(&targets[1]);
    KeInitializeDpc(&done, dpc, NULL);
    two_targets();
    own_queue();
    return STATUS_SUCCESS;
}
