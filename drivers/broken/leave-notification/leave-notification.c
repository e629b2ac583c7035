/* SPDX-License-Identifier: MIT */
/* leave-notification: a mistake on purpose. A registration for device interfaces is not removed. */
#include "../broken.h"

static NTSTATUS NTAPI notify(PVOID NotificationStructure, PVOID Context)
{
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static GUID class = {0x7A3E1B40, 0x5D0C, 0x4F6B, {1, 2, 3, 4, 5, 6, 7, 8}};
    PDEVICE_OBJECT device;
    PVOID entry;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    return IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, &class, DriverObject, notify,
                                          NULL, &entry);
}
