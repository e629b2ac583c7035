/* SPDX-License-Identifier: MIT */
/* delete-twice: a mistake on purpose. The device is deleted by a request, and at once again. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        IoDeleteDevice(DeviceObject);
        IoDeleteDevice(DeviceObject); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
