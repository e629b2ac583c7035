/* SPDX-License-Identifier: MIT */
/*
 * start-recursion: a mistake on purpose. StartIo calls IoStartNextPacket, which calls StartIo, for every
 * packet that waits: the kernel stack ends before the queue does.
 */
#include "../broken.h"

#define PACKETS 2000

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static BOOLEAN busy;

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (busy)
        return;
    IoStartNextPacket(DeviceObject,
                      FALSE); /* the mistake: IoSetStartIoAttributes(..., TRUE, ...) is missing */
    finish(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

/* Many packets arrive while the device is busy. */
static NTSTATUS fill(PDEVICE_OBJECT device)
{
    ULONG i;

    for (i = 0; i < PACKETS; i++) {
        PIRP irp = IoAllocateIrp(device->StackSize, FALSE);

        if (irp == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_WRITE;
        IoSetCompletionRoutine(irp, completed, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(device, irp);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    PIRP first;
    KIRQL irql;
    NTSTATUS status;

    DriverObject->DriverStartIo = start_io;
    status = make_broken(DriverObject, dispatch, &device);
    if (!NT_SUCCESS(status))
        return status;
    busy = TRUE;
    status = fill(device);
    busy = FALSE;
    first = device->CurrentIrp;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(device, FALSE);
    KeLowerIrql(irql);
    finish(first, STATUS_SUCCESS, 0);
    return status;
}
