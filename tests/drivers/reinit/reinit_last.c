/* SPDX-License-Identifier: MIT */
/* Keeps the log. Its own routine is called once, between the first and the second call of reinit_first's. */
#include "reinit.h"

static VOID NTAPI once(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    check_call(Count);
    note('b', Count);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG bytes = 0;
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_READ) {
        bytes = log->length;
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, log->text, bytes);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = bytes;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\ReinitLog");
    PDEVICE_OBJECT device;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch;
    IoRegisterDriverReinitialization(DriverObject, once, NULL);
    IoCreateDevice(DriverObject, sizeof(*log), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    device->Flags |= DO_BUFFERED_IO;
    log = device->DeviceExtension;
    return STATUS_SUCCESS;
}
