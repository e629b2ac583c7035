/* SPDX-License-Identifier: MIT */
/* delete-wmi-device: a mistake on purpose. A device object is deleted while it is registered with WMI. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, major_of(Irp) == IRP_MJ_SYSTEM_CONTROL ? Irp->IoStatus.Status : STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    return IoWMIRegistrationControl(device, WMIREG_ACTION_REGISTER);
}
