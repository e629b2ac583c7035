/* SPDX-License-Identifier: MIT */
/*
 * dispatch-subsets: one dispatch routine per group of major function codes.
 *
 * Create, cleanup and close share a routine, as do read and write; device
 * control has its own. The other slots keep the I/O manager's default handler,
 * which completes with STATUS_INVALID_DEVICE_REQUEST. The device counts what
 * passes through it; an IOCTL returns the counters.
 */
#include <ntddk.h>

#define IOCTL_COUNTERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS)

struct counters {
    LONG opens, reads, writes, bytes;
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI dispatch_handle(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct counters *counters = DeviceObject->DeviceExtension;

    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE)
        InterlockedIncrement(&counters->opens);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_data(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct counters *counters = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_READ) {
        InterlockedIncrement(&counters->reads);
        return complete(Irp, STATUS_END_OF_FILE, 0);
    }
    InterlockedIncrement(&counters->writes);
    InterlockedExchangeAdd(&counters->bytes, (LONG)location->Parameters.Write.Length);
    return complete(Irp, STATUS_SUCCESS, location->Parameters.Write.Length);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_COUNTERS)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(struct counters))
        return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, DeviceObject->DeviceExtension, sizeof(struct counters));
    return complete(Irp, STATUS_SUCCESS, sizeof(struct counters));
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Subsets");

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Subsets");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Subsets");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_handle;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_handle;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_handle;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_data;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_data;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct counters), &name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    DeviceObject->Flags |= DO_BUFFERED_IO;

    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    return status;
}
