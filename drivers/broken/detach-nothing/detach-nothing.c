/* SPDX-License-Identifier: MIT */
/* detach-nothing: a mistake on purpose. IoDetachDevice takes the device below; the driver names its own. */
#include "../broken.h"

static PDEVICE_OBJECT lower, filter;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject != filter)
        return finish(Irp, STATUS_SUCCESS, 0);
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoDetachDevice(filter); /* the mistake: nobody is attached to the filter */
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(lower, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(lower);
    delete_devices(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = make_broken(DriverObject, dispatch, &lower);

    DriverObject->DriverUnload = unload;
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &filter);
    if (NT_SUCCESS(status)) {
        lower->Flags &= ~DO_DEVICE_INITIALIZING;
        IoAttachDeviceToDeviceStack(filter, lower);
    }
    return status;
}
