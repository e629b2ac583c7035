/* SPDX-License-Identifier: MIT */
/* A filter of the storage device: it registered nothing, and the request comes through it. */
#include "shutdown.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI forward(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_SHUTDOWN) {
        DbgPrint("the filter writes back what it keeps\n");
        rl_check("DR-08", TRUE, "the driver above hears of it as well", __FILE__, __LINE__);
    }
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_FLUSH_BUFFERS)
        DbgPrint("the filter flushes\n");
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(lower, Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(STORAGE_NAME);
    PDEVICE_OBJECT device;

    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = forward;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return IoAttachDevice(device, &name, &lower);
}
