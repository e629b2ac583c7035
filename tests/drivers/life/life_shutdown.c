/* SPDX-License-Identifier: MIT */
/* LC-12: what a driver hears of a shutdown: IRP_MJ_SHUTDOWN, where it registered; not Unload. */
#include "rltest.h"

static PDEVICE_OBJECT first, last, neither;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if (major == IRP_MJ_SHUTDOWN)
        DbgPrint("%s\n", DeviceObject == first  ? "shutdown"
                         : DeviceObject == last ? "last chance"
                                                : "not registered");
    if (major == IRP_MJ_CLOSE)
        DbgPrint("closed\n");
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("Unload\n");
    IoDeleteDevice(neither);
    IoDeleteDevice(last);
    IoDeleteDevice(first);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeShutdown");
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = dispatch;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &first);
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &last);
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &neither);
    if (NT_SUCCESS(status))
        status = IoRegisterShutdownNotification(first);
    if (NT_SUCCESS(status))
        status = IoRegisterLastChanceShutdownNotification(last);
    return status;
}
