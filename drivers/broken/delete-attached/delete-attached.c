/* SPDX-License-Identifier: MIT */
/* delete-attached: a mistake on purpose. A filter's device is deleted while it is attached. */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoDeleteDevice(DeviceObject); /* the mistake: IoDetachDevice(lower) is missing */
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT filter;
    NTSTATUS status = make_broken(DriverObject, dispatch, &lower);

    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &filter);
    if (NT_SUCCESS(status)) {
        lower->Flags &= ~DO_DEVICE_INITIALIZING;
        IoAttachDeviceToDeviceStack(filter, lower);
    }
    return status;
}
