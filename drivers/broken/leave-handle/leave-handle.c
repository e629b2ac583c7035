/* SPDX-License-Identifier: MIT */
/* leave-handle: a mistake on purpose. A key stays open. */
#include "../broken.h"

static HANDLE key;

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
        OBJECT_ATTRIBUTES attributes;

        InitializeObjectAttributes(&attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                                   NULL);
        status = ZwOpenKey(&key, KEY_READ, &attributes);
    }
    return STATUS_SUCCESS;
}
