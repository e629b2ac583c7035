/* SPDX-License-Identifier: MIT */
/*
 * dispatch-single: one dispatch routine for every major function code.
 *
 * DriverEntry stores the same routine in all slots; the routine looks at the
 * current stack location and switches on MajorFunction. What it does not know
 * it completes with STATUS_INVALID_DEVICE_REQUEST, as a lowest-level driver
 * must. The device keeps one line of text: write replaces it, read returns it.
 */
#include <ntddk.h>

#define LINE_BYTES 64

struct device {
    FAST_MUTEX lock; /* guards the rest: dispatch routines of one device may run on several processors */
    ULONG length;
    UCHAR line[LINE_BYTES];
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status; /* never Irp->IoStatus.Status: the IRP is gone */
}

static NTSTATUS read_line(struct device *device, PIRP Irp, PIO_STACK_LOCATION location)
{
    ULONG length;

    ExAcquireFastMutex(&device->lock);
    length = min(location->Parameters.Read.Length, device->length);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, device->line, length);
    ExReleaseFastMutex(&device->lock);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS write_line(struct device *device, PIRP Irp, PIO_STACK_LOCATION location)
{
    ULONG length = location->Parameters.Write.Length;

    if (length > LINE_BYTES)
        return complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0);
    ExAcquireFastMutex(&device->lock);
    RtlCopyMemory(device->line, Irp->AssociatedIrp.SystemBuffer, length);
    device->length = length;
    ExReleaseFastMutex(&device->lock);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    struct device *device = DeviceObject->DeviceExtension;

    switch (location->MajorFunction) {
    case IRP_MJ_CREATE:
        /* The device has no namespace behind its name. */
        if (location->FileObject->FileName.Length != 0)
            return complete(Irp, STATUS_INVALID_PARAMETER, 0);
        return complete(Irp, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return complete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
        return read_line(device, Irp, location);
    case IRP_MJ_WRITE:
        return write_line(device, Irp, location);
    default:
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Single");

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Single");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Single");
    PDEVICE_OBJECT DeviceObject;
    struct device *device;
    NTSTATUS status;
    ULONG major;

    for (major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
        DriverObject->MajorFunction[major] = dispatch;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct device), &name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    device = DeviceObject->DeviceExtension;
    ExInitializeFastMutex(&device->lock);
    DeviceObject->Flags |= DO_BUFFERED_IO;

    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    return status;
}
