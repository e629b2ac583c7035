/* SPDX-License-Identifier: MIT */
/*
 * startio-ramdisk: StartIo, the device queue, and requests that can be canceled
 * while they wait in it.
 *
 * A disk in memory that seeks for a millisecond: the timer stands for the device,
 * its DPC for the interrupt's. The I/O manager lets one request at a time through
 * to StartIo; the others wait in the device queue, ordered by their place on the
 * disk. At the end of a request the DPC starts the next one first, so that the
 * disk is never idle, and then completes the old one.
 *
 * The cancel spin lock guards CurrentIrp and the queue. A request that waits is
 * taken out and completed by the cancel routine; the current one is the disk's,
 * and runs to its end.
 */
#include <ntddk.h>

#define DISK_BYTES 65536

struct disk {
    PDEVICE_OBJECT device;
    KTIMER seek;
    KDPC arrived;
    UCHAR sectors[DISK_BYTES];
};

static VOID complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, status == STATUS_SUCCESS ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
}

/* Called with the cancel spin lock held. */
static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN waiting =
        Irp != DeviceObject->CurrentIrp &&
        KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (waiting)
        complete(Irp, STATUS_CANCELLED, 0);
}

/* Read and Write have the same parameters. Nothing is queued that StartIo could not carry out. */
static NTSTATUS NTAPI dispatch_transfer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG offset = location->Parameters.Read.ByteOffset.QuadPart;
    ULONG length = location->Parameters.Read.Length;
    ULONG place = (ULONG)offset;

    if (offset < 0 || offset > DISK_BYTES || length > DISK_BYTES - offset) {
        complete(Irp, STATUS_INVALID_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    if (length == 0) {
        complete(Irp, STATUS_SUCCESS, 0);
        return STATUS_SUCCESS;
    }
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, &place, cancel);
    return STATUS_PENDING;
}

/* At DISPATCH_LEVEL; no other request is in the disk. */
static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct disk *disk = DeviceObject->DeviceExtension;
    LARGE_INTEGER due;
    BOOLEAN canceled;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    if (Irp != DeviceObject->CurrentIrp) { /* canceled, and gone */
        IoReleaseCancelSpinLock(irql);
        return;
    }
    IoSetCancelRoutine(Irp, NULL); /* from here on it is the disk's */
    canceled = Irp->Cancel;
    IoReleaseCancelSpinLock(irql);
    if (canceled) {
        IoStartNextPacket(DeviceObject, TRUE);
        complete(Irp, STATUS_CANCELLED, 0);
        return;
    }
    DbgPrint("seek to %I64u\n", IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart);
    due.QuadPart = -10000;
    KeSetTimer(&disk->seek, due, &disk->arrived);
}

static ULONG transfer(struct disk *disk, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    UCHAR *buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    UCHAR *place = disk->sectors + location->Parameters.Read.ByteOffset.QuadPart;
    ULONG length = location->Parameters.Read.Length;

    if (buffer == NULL)
        return 0;
    if (location->MajorFunction == IRP_MJ_READ)
        RtlCopyMemory(buffer, place, length);
    else
        RtlCopyMemory(place, buffer, length);
    return length;
}

static VOID NTAPI arrived(PKDPC Dpc, PVOID Context, PVOID Unused, PVOID UnusedToo)
{
    struct disk *disk = Context;
    PIRP irp = disk->device->CurrentIrp;
    ULONG length = transfer(disk, irp);

    IoStartNextPacket(disk->device, TRUE);
    complete(irp, length ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, length);
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    complete(Irp, STATUS_SUCCESS, 0);
    return STATUS_SUCCESS;
}

/* No handle is open any more, so no request is on its way. */
static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    KeFlushQueuedDpcs(); /* the last one may still be returning */
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\RamDisk");
    PDEVICE_OBJECT device;
    struct disk *disk;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_transfer;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_transfer;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(struct disk), &name, FILE_DEVICE_VIRTUAL_DISK,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    IoSetStartIoAttributes(device, TRUE, FALSE); /* start_io may call IoStartNextPacket */
    disk = device->DeviceExtension;
    disk->device = device;
    KeInitializeTimer(&disk->seek);
    KeInitializeDpc(&disk->arrived, arrived, disk);
    device->Flags |= DO_DIRECT_IO;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
