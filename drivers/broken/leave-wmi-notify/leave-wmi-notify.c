/* SPDX-License-Identifier: MIT */
/* leave-wmi-notify: a mistake on purpose. A data block object with a callback is not dereferenced. */
#include "../broken.h"

static VOID NTAPI heard(PVOID Wnode, PVOID Context)
{
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    GUID guid = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
    PDEVICE_OBJECT device;
    PVOID block;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    status = IoWMIOpenBlock(&guid, 0x4 | SYNCHRONIZE, &block); /* WMIGUID_NOTIFICATION */
    return NT_SUCCESS(status) ? IoWMISetNotificationCallback(block, heard, NULL) : status;
}
