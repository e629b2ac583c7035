/* SPDX-License-Identifier: MIT */
/* LC-15: a lower driver whose unload waits for the one attached above. Holds requests on demand (LC-16). */
#include "rltest.h"

static PDEVICE_OBJECT device;
static PIRP held;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL) {
        IoMarkIrpPending(Irp);
        held = Irp;
        return STATUS_PENDING;
    }
    if (location->MajorFunction == IRP_MJ_FLUSH_BUFFERS && held != NULL) {
        held->IoStatus.Status = STATUS_SUCCESS;
        IoCompleteRequest(held, IO_NO_INCREMENT);
        held = NULL;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("lower Unload\n");
    CHECK("LC-15", device->AttachedDevice == NULL);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeLower");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}
