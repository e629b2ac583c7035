/* SPDX-License-Identifier: MIT */
/*
 * filter-lower: the device below. It answers each IOCTL with the number it was
 * given, doubled; a number above 1000 it finishes later, from a work item, so
 * that the filter above sees STATUS_PENDING as well.
 */
#include <ntddk.h>

#define IOCTL_DOUBLE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

struct later {
    PIO_WORKITEM item;
    PIRP irp;
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI double_later(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct later *later = Context;
    ULONG *number = later->irp->AssociatedIrp.SystemBuffer;

    *number *= 2;
    DbgPrint("lower: finished %lu in a worker thread\n", *number);
    complete(later->irp, STATUS_SUCCESS, sizeof(*number));
    IoFreeWorkItem(later->item);
    ExFreePoolWithTag(later, 'wolF');
}

static NTSTATUS finish_later(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct later *later = ExAllocatePoolWithTag(NonPagedPool, sizeof(*later), 'wolF');

    if (later == NULL)
        return complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    later->irp = Irp;
    later->item = IoAllocateWorkItem(DeviceObject);
    if (later->item == NULL) {
        ExFreePoolWithTag(later, 'wolF');
        return complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    IoMarkIrpPending(Irp); /* before the work item can run */
    IoQueueWorkItem(later->item, double_later, DelayedWorkQueue, later);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG *number = Irp->AssociatedIrp.SystemBuffer;

    if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_DOUBLE)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (location->Parameters.DeviceIoControl.InputBufferLength < sizeof(*number) ||
        location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*number))
        return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    if (*number > 1000)
        return finish_later(DeviceObject, Irp);
    *number *= 2;
    return complete(Irp, STATUS_SUCCESS, sizeof(*number));
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Doubler");
    PDEVICE_OBJECT DeviceObject;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &DeviceObject);
}
