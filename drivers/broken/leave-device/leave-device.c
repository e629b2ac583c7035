/* SPDX-License-Identifier: MIT */
/* leave-device: a mistake on purpose. Unload returns and the device object is still there. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("good bye\n"); /* the mistake: IoDeleteDevice is missing */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    DriverObject->DriverUnload = unload;
    return status;
}
