/* SPDX-License-Identifier: MIT */
/*
 * dispatch-separate: a dispatch routine of its own for each major function code.
 *
 * The usual form: each routine knows what it is called for, so none looks at
 * MajorFunction. The device is a byte buffer with a position that the I/O
 * manager keeps in the file object; FLUSH empties it.
 */
#include <ntddk.h>

#define STORE_BYTES 256

struct store {
    FAST_MUTEX lock;
    ULONG used;
    UCHAR bytes[STORE_BYTES];
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI dispatch_create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS NTAPI dispatch_cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0); /* no IRP is ever kept, so there is none to cancel */
}

static NTSTATUS NTAPI dispatch_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct store *store = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG offset = location->Parameters.Read.ByteOffset.QuadPart;
    ULONG length = 0;

    ExAcquireFastMutex(&store->lock);
    if (offset >= 0 && offset < store->used) {
        length = min(location->Parameters.Read.Length, store->used - (ULONG)offset);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, store->bytes + offset, length);
    }
    ExReleaseFastMutex(&store->lock);
    return complete(Irp, length != 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE, length);
}

static NTSTATUS NTAPI dispatch_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct store *store = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG offset = location->Parameters.Write.ByteOffset.QuadPart;
    ULONG length = location->Parameters.Write.Length;

    if (offset < 0 || offset > STORE_BYTES || length > STORE_BYTES - (ULONG)offset)
        return complete(Irp, STATUS_DISK_FULL, 0);
    ExAcquireFastMutex(&store->lock);
    RtlCopyMemory(store->bytes + offset, Irp->AssociatedIrp.SystemBuffer, length);
    store->used = max(store->used, (ULONG)offset + length);
    ExReleaseFastMutex(&store->lock);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch_flush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct store *store = DeviceObject->DeviceExtension;

    ExAcquireFastMutex(&store->lock);
    store->used = 0;
    RtlZeroMemory(store->bytes, sizeof(store->bytes));
    ExReleaseFastMutex(&store->lock);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Separate");

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Separate");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Separate");
    PDEVICE_OBJECT DeviceObject;
    struct store *store;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_create;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_cleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_close;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_write;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = dispatch_flush;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct store), &name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    store = DeviceObject->DeviceExtension;
    ExInitializeFastMutex(&store->lock);
    DeviceObject->Flags |= DO_BUFFERED_IO;

    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    return status;
}
