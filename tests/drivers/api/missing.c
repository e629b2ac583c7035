/* SPDX-License-Identifier: MIT */
/* Imports a function of the boot screen, which no machine without one provides: it loads, and a call names
 * it. */
#include <ntddk.h>

NTKERNELAPI VOID NTAPI InbvDisplayString(PUCHAR String);

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE)
        InbvDisplayString((PUCHAR) "hello");
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Missing");
    PDEVICE_OBJECT DeviceObject;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
}
