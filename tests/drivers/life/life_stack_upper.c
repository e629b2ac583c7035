/* SPDX-License-Identifier: MIT */
/* LC-15: the driver above; its Unload detaches, which lets the lower one go. */
#include "rltest.h"

static PDEVICE_OBJECT device, lower;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(lower, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("upper Unload\n");
    IoDetachDevice(lower);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeLower");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    if (!NT_SUCCESS(IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)))
        return STATUS_UNSUCCESSFUL;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return IoAttachDevice(device, &name, &lower);
}
