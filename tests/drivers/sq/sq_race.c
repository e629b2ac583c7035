/* SPDX-License-Identifier: MIT */
/*
 * Two processors send packets to one device as fast as it takes them; StartIo
 * itself asks for the next one, deferred. The device becomes idle all the time,
 * just when the other processor's packet comes. StartIo must never be entered
 * twice, and no packet may be lost or started twice.
 */
#include "rltest.h"

#define SENDERS 2
#define ROUNDS  20000

static PDEVICE_OBJECT device;
static LONG inside, entered_twice, started, wrong_current;

static NTSTATUS NTAPI write(PDEVICE_OBJECT for_device, PIRP irp)
{
    IoMarkIrpPending(irp);
    IoStartPacket(for_device, irp, NULL, NULL);
    return STATUS_PENDING;
}

static VOID NTAPI start(PDEVICE_OBJECT for_device, PIRP irp)
{
    if (InterlockedIncrement(&inside) != 1)
        InterlockedIncrement(&entered_twice);
    if (for_device->CurrentIrp != irp)
        InterlockedIncrement(&wrong_current);
    InterlockedIncrement(&started);
    IoStartNextPacket(for_device, FALSE);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    InterlockedDecrement(&inside);
}

static NTSTATUS NTAPI completed(PDEVICE_OBJECT for_device, PIRP irp, PVOID event)
{
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID NTAPI sender(PVOID context)
{
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    KEVENT event;
    ULONG i;

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    for (i = 0; i < ROUNDS; i++) {
        IoReuseIrp(irp, STATUS_SUCCESS);
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_WRITE;
        IoSetCompletionRoutine(irp, completed, &event, TRUE, TRUE, TRUE);
        IoCallDriver(device, irp);
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    IoFreeIrp(irp);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    PVOID threads[SENDERS];
    HANDLE handle;
    NTSTATUS status;
    ULONG i;

    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverStartIo = start;
    driver->DriverUnload = unload;
    status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    IoSetStartIoAttributes(device, TRUE, FALSE);
    for (i = 0; i < SENDERS; i++) {
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, sender, NULL);
        ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &threads[i], NULL);
        ZwClose(handle);
    }
    for (i = 0; i < SENDERS; i++) {
        KeWaitForSingleObject(threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(threads[i]);
    }
    CHECK("SQ-31", entered_twice == 0);
    CHECK("SQ-30", wrong_current == 0 && started == SENDERS * ROUNDS);
    CHECK("SQ-30", !device->DeviceQueue.Busy && device->CurrentIrp == NULL);
    return STATUS_SUCCESS;
}
