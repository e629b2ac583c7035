/* SPDX-License-Identifier: MIT */
/* leave-link: a mistake on purpose. A symbolic link is not deleted. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    {
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\DosDevices\\Broken");
        UNICODE_STRING target = RTL_CONSTANT_STRING(L"\\Device\\Broken");

        status = IoCreateSymbolicLink(&name, &target);
    }
    return STATUS_SUCCESS;
}
