/* SPDX-License-Identifier: MIT */
/*
 * StartIo and the device queue, without cancellation: the first packet is started
 * in the caller's thread, the others wait by key or in order; what the attributes
 * change; what a driver that forgets IoStartNextPacket gets. The log is sq.h's.
 */
#include "sq.h"

static PDEVICE_OBJECT device;
static PKTHREAD sender;
static KDPC done;
static BOOLEAN keyed, next_at_once, finish_by_dpc;
static LONG inside, deepest;
static KIRQL level_of_caller;

static NTSTATUS NTAPI write(PDEVICE_OBJECT for_device, PIRP irp)
{
    ULONG key = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Key;

    CHECK("SR-05", for_device == device && KeGetCurrentThread() == sender);
    CHECK("SR-05", IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_WRITE);
    IoMarkIrpPending(irp);
    level_of_caller = KeGetCurrentIrql();
    IoStartPacket(for_device, irp, keyed ? &key : NULL, NULL);
    CHECK_EQ("SQ-22", KeGetCurrentIrql(), level_of_caller);
    return STATUS_PENDING;
}

static VOID NTAPI start(PDEVICE_OBJECT for_device, PIRP irp)
{
    LONG depth = InterlockedIncrement(&inside);

    deepest = max(deepest, depth);
    CHECK("SR-06", KeGetCurrentIrql() == DISPATCH_LEVEL && for_device == device);
    CHECK("SQ-22", KeGetCurrentThread() == sender || finish_by_dpc);
    CHECK("SQ-26", for_device->CurrentIrp == irp && for_device->DeviceQueue.Busy);
    CHECK("SQ-25", IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED);
    sq_add((char)('A' + sq_number(irp)));
    if (finish_by_dpc)
        KeInsertQueueDpc(&done, irp, NULL);
    if (next_at_once) {
        IoStartNextPacket(for_device, FALSE);
        sq_complete(irp, STATUS_SUCCESS);
    }
    InterlockedDecrement(&inside);
}

/* What a DpcForIsr does at the end of a request. */
static VOID finish_current(BOOLEAN by_key, ULONG key)
{
    PIRP irp = device->CurrentIrp;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (by_key)
        IoStartNextPacketByKey(device, FALSE, key);
    else
        IoStartNextPacket(device, FALSE);
    sq_complete(irp, STATUS_SUCCESS);
    KeLowerIrql(irql);
}

static VOID NTAPI dpc(PKDPC self, PVOID context, PVOID irp, PVOID unused)
{
    CHECK("SR-06", irp == device->CurrentIrp);
    IoStartNextPacket(device, FALSE);
    sq_complete(irp, STATUS_SUCCESS);
}

static VOID idle_and_busy(VOID)
{
    CHECK_STATUS("SQ-25", sq_send(device, 0, 0), STATUS_PENDING);
    CHECK_LOG("SQ-22", "A"); /* before IoStartPacket returned */
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    CHECK_LOG("SQ-20", "");
    CHECK("SQ-31", device->CurrentIrp == sq_irps[0]);
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-35", "Ba"); /* the device works on the next one while this one is completed */
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-20", "Cb");
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-26", "c");
    CHECK("REQ-13",
          sq_status[0] == 0 && sq_status[1] == 0 && sq_status[2] == 0); /* none was lost or refused */
    CHECK("SQ-26", device->CurrentIrp == NULL && !device->DeviceQueue.Busy);
    sq_free(3);
}

/* The key is what the pointer points to: a pointer to 0 is a key, no pointer means the tail. */
static VOID keys(VOID)
{
    KIRQL irql;

    keyed = TRUE;
    sq_send(device, 0, 50);
    sq_send(device, 1, 30);
    sq_send(device, 2, 10);
    sq_send(device, 3, 30);
    sq_send(device, 4, 0);
    keyed = FALSE;
    sq_send(device, 5, 0);
    CHECK_LOG("SQ-21", "A");
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-21", "Ea");
    finish_current(TRUE, 20); /* from 20 upwards, at PASSIVE_LEVEL */
    CHECK_LOG("SQ-28", "Be");
    finish_current(TRUE, 99); /* none: from the beginning */
    CHECK_LOG("SQ-28", "Cb");
    irql = KeGetCurrentIrql();
    IoStartNextPacketByKey(device, FALSE, 0);
    CHECK("SQ-28", KeGetCurrentIrql() == irql && irql == PASSIVE_LEVEL);
    CHECK_LOG("SQ-28", "D");
    sq_complete(sq_irps[2], STATUS_SUCCESS);
    finish_current(FALSE, 0);
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-20", "cFdf");
    CHECK("SQ-28", !device->DeviceQueue.Busy);
    sq_free(6);
}

/* StartIo that starts the next one itself: it recurses, or is called in a loop if the device says so. */
static VOID attributes(VOID)
{
    KIRQL irql;
    ULONG i;

    for (i = 0; i < 2; i++) {
        IoSetStartIoAttributes(device, i == 1, FALSE);
        sq_send(device, 0, 0);
        sq_send(device, 1, 0);
        sq_send(device, 2, 0);
        sq_send(device, 3, 0);
        sq_read("A");
        deepest = 0;
        next_at_once = TRUE;
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        IoStartNextPacket(device, FALSE);
        KeLowerIrql(irql);
        next_at_once = FALSE;
        sq_complete(sq_irps[0], STATUS_SUCCESS);
        CHECK("SQ-29", deepest == (i == 1 ? 1 : 3));
        if (i == 1) {
            CHECK("SQ-30", deepest == 1 && !device->DeviceQueue.Busy && device->CurrentIrp == NULL);
            CHECK_LOG("SQ-30", "BbCcDda"); /* the next one begins when StartIo has returned */
        } else {
            CHECK("SQ-37", deepest == 3); /* one frame more for each packet in the queue */
            CHECK_LOG("SQ-37", "BCDdcba");
        }
        sq_free(4);
    }
    IoSetStartIoAttributes(device, FALSE, FALSE);
}

/* The wish of the first StartIo of an idle device is deferred too; by key if it was asked so. */
static VOID deferred_from_idle(VOID)
{
    IoSetStartIoAttributes(device, TRUE, FALSE);
    next_at_once = TRUE;
    deepest = 0;
    sq_send(device, 0, 0);
    CHECK_LOG("SQ-30", "Aa");
    CHECK("SQ-30", !device->DeviceQueue.Busy && deepest == 1);
    next_at_once = FALSE;
    sq_send(device, 1, 0);
    CHECK_LOG("SQ-30", "B"); /* nothing is left over from the last time */
    finish_current(FALSE, 0);
    CHECK_LOG("SQ-30", "b");
    IoSetStartIoAttributes(device, FALSE, FALSE);
    sq_free(2);
}

static VOID wait_for(ULONG count)
{
    LARGE_INTEGER interval = {.QuadPart = -10000};

    while (sq_logged < count)
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static VOID by_dpc(VOID)
{
    KIRQL irql;

    finish_by_dpc = TRUE;
    deepest = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql); /* a caller may be at DISPATCH_LEVEL, and stays there */
    sq_send(device, 0, 0);
    CHECK("SQ-22", level_of_caller == DISPATCH_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    sq_send(device, 1, 0);
    CHECK_LOG("SQ-31", "A");
    KeLowerIrql(irql);
    wait_for(3);
    CHECK_LOG("SQ-35", "Bab");
    CHECK("SQ-31", deepest == 1 && !device->DeviceQueue.Busy);
    finish_by_dpc = FALSE;
    sq_free(2);
}

static VOID forgotten(VOID)
{
    sq_send(device, 0, 0);
    sq_complete(sq_irps[0], STATUS_SUCCESS); /* and no IoStartNextPacket */
    sq_send(device, 1, 0);
    sq_send(device, 2, 0);
    CHECK_LOG("SQ-40", "Aa");
    CHECK("SQ-40", device->DeviceQueue.Busy && sq_status[1] == STATUS_PENDING);
    CHECK("SQ-40",
          KeRemoveEntryDeviceQueue(&device->DeviceQueue, &sq_irps[1]->Tail.Overlay.DeviceQueueEntry));
    sq_complete(sq_irps[1], STATUS_CANCELLED);
    CHECK_LOG("SQ-40", "b");
    device->CurrentIrp = NULL;
    IoStartNextPacketByKey(device, FALSE, 0);
    CHECK_LOG("SQ-40", "C");
    finish_current(FALSE, 0);
    sq_read("c");
    sq_free(3);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    NTSTATUS status;

    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverStartIo = start;
    driver->DriverUnload = sq_unload;
    status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    KeInitializeDpc(&done, dpc, NULL);
    sender = KeGetCurrentThread();
    idle_and_busy();
    keys();
    attributes();
    deferred_from_idle();
    by_dpc();
    forgotten();
    return STATUS_SUCCESS;
}
