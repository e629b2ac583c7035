/* SPDX-License-Identifier: MIT */
/*
 * Device queues by themselves: a busy flag and a list. What is "inserted" into a
 * queue that is not busy is not in the list; the caller processes it. DriverEntry
 * shows what the routines answer; each control code makes one mistake.
 */
#include "rltest.h"

static KDEVICE_QUEUE queue;
static KDEVICE_QUEUE_ENTRY a, b, c, d, e;

static PKDEVICE_QUEUE_ENTRY first(VOID)
{
    return CONTAINING_RECORD(queue.DeviceListHead.Flink, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

static VOID initialize(VOID)
{
    RtlFillMemory(&queue, sizeof(queue), 0xCC);
    KeInitializeDeviceQueue(&queue);
    RtlZeroMemory(&a, sizeof(a));
    RtlZeroMemory(&b, sizeof(b));
    CHECK("SQ-01", !queue.Busy && IsListEmpty(&queue.DeviceListHead));
    CHECK("SQ-01", queue.Size == sizeof(queue));
}

static VOID in_order(VOID)
{
    a.Inserted = TRUE;
    CHECK("SQ-02", !KeInsertDeviceQueue(&queue, &a) && queue.Busy);
    CHECK("SQ-02", !a.Inserted && IsListEmpty(&queue.DeviceListHead));
    CHECK("SQ-02", KeInsertDeviceQueue(&queue, &b) && b.Inserted && first() == &b);
    CHECK("SQ-02", KeInsertDeviceQueue(&queue, &c) && first() == &b);
    CHECK("SQ-02", queue.DeviceListHead.Blink == &c.DeviceListEntry);
    CHECK("SQ-04", KeRemoveDeviceQueue(&queue) == &b && !b.Inserted && queue.Busy);
    CHECK("SQ-04", KeRemoveDeviceQueue(&queue) == &c && queue.Busy);
    CHECK("SQ-04", KeRemoveDeviceQueue(&queue) == NULL && !queue.Busy);
}

/* After all keys that are not greater, before all that are: 10 20 20' 30. */
static VOID by_key(VOID)
{
    CHECK("SQ-03",
          !KeInsertByKeyDeviceQueue(&queue, &a, 20) && queue.Busy && IsListEmpty(&queue.DeviceListHead));
    CHECK("SQ-03", KeInsertByKeyDeviceQueue(&queue, &b, 20) && b.Inserted && b.SortKey == 20);
    CHECK("SQ-03", KeInsertByKeyDeviceQueue(&queue, &c, 30));
    CHECK("SQ-03", KeInsertByKeyDeviceQueue(&queue, &d, 10) && first() == &d);
    CHECK("SQ-03", KeInsertByKeyDeviceQueue(&queue, &e, 20) && b.DeviceListEntry.Flink == &e.DeviceListEntry);
    CHECK("SQ-03", e.DeviceListEntry.Flink == &c.DeviceListEntry);
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 15) == &b && !b.Inserted);
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 20) == &e);
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 31) == &d); /* none that high: the first */
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 0) == &c && queue.Busy);
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 0) == NULL && !queue.Busy);
}

/* A key is unsigned, and the head of a queue is taken whatever its key. */
static VOID large_keys(VOID)
{
    KeInsertByKeyDeviceQueue(&queue, &a, 0);
    KeInsertByKeyDeviceQueue(&queue, &b, 0x80000001);
    KeInsertByKeyDeviceQueue(&queue, &c, 1);
    CHECK("SQ-03", first() == &c);
    KeInsertDeviceQueue(&queue, &d); /* at the tail whatever the keys are */
    CHECK("SQ-02", queue.DeviceListHead.Blink == &d.DeviceListEntry);
    CHECK("SQ-05", KeRemoveByKeyDeviceQueue(&queue, 2) == &b);
    while (KeRemoveDeviceQueue(&queue) != NULL)
        ;
}

static VOID entries(VOID)
{
    KIRQL irql;

    CHECK("SQ-06", !KeRemoveEntryDeviceQueue(&queue, &b) && !queue.Busy);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertDeviceQueue(&queue, &a);
    KeInsertDeviceQueue(&queue, &b);
    KeInsertDeviceQueue(&queue, &c);
    CHECK("SQ-06", KeRemoveEntryDeviceQueue(&queue, &c) && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(irql);
    CHECK("SQ-06", !KeRemoveEntryDeviceQueue(&queue, &a)); /* it is being processed: never in the list */
    CHECK("SQ-06", KeRemoveEntryDeviceQueue(&queue, &b) && KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK("SQ-06", !b.Inserted && IsListEmpty(&queue.DeviceListHead) && queue.Busy);
    CHECK("SQ-06", !KeRemoveEntryDeviceQueue(&queue, &b) && queue.Busy);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK("SQ-06", KeRemoveDeviceQueue(&queue) == NULL && !queue.Busy);
    KeLowerIrql(irql);
}

static VOID if_busy(VOID)
{
    CHECK("SQ-09", KeRemoveByKeyDeviceQueueIfBusy(&queue, 7) == NULL && !queue.Busy);
    KeInsertByKeyDeviceQueue(&queue, &a, 1);
    KeInsertByKeyDeviceQueue(&queue, &b, 1);
    KeInsertByKeyDeviceQueue(&queue, &c, 9);
    CHECK("SQ-09", KeRemoveByKeyDeviceQueueIfBusy(&queue, 7) == &c && !c.Inserted);
    CHECK("SQ-09", KeRemoveByKeyDeviceQueueIfBusy(&queue, 7) == &b && queue.Busy);
    CHECK("SQ-09", KeRemoveByKeyDeviceQueueIfBusy(&queue, 7) == NULL && !queue.Busy);
}

static VOID mistake(ULONG number)
{
    static const KIRQL at[] = {DISPATCH_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL, PASSIVE_LEVEL,
                               DISPATCH_LEVEL + 1};
    KIRQL irql;

    KeRaiseIrql(at[number], &irql);
    switch (number) {
    case 0:
        KeRemoveDeviceQueue(&queue); /* not busy */
        break;
    case 1:
        KeRemoveByKeyDeviceQueue(&queue, 0);
        break;
    case 2:
        IoStartNextPacket(NULL, FALSE); /* refused for its level before it is looked at */
        break;
    default:
        KeInsertDeviceQueue(&queue, &a); /* at PASSIVE_LEVEL, and as an ISR would */
    }
    KeLowerIrql(irql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        mistake((location->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xFF);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    while (driver->DeviceObject != NULL)
        IoDeleteDevice(driver->DeviceObject);
}

/* Every device object has a queue, but those of file systems. */
static NTSTATUS queues_of_devices(PDRIVER_OBJECT driver)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SqQueue");
    PDEVICE_OBJECT device, fs;
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &fs);

    if (NT_SUCCESS(status))
        status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    CHECK("SQ-08", device->DeviceQueue.Size == sizeof(KDEVICE_QUEUE) && !device->DeviceQueue.Busy);
    CHECK("SQ-08", IsListEmpty(&device->DeviceQueue.DeviceListHead));
    CHECK("SQ-08", fs->DeviceQueue.Size == 0 && fs->DeviceQueue.DeviceListHead.Flink == NULL);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    KIRQL irql;

    initialize();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    in_order();
    by_key();
    large_keys();
    if_busy();
    KeLowerIrql(irql);
    entries();
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    driver->DriverUnload = unload;
    return queues_of_devices(driver);
}
