/* SPDX-License-Identifier: MIT */
/* free-resource: a mistake on purpose. A pool block is freed whose ERESOURCE was not deleted. */
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
        PERESOURCE resource = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(ERESOURCE), 'cseR');

        if (resource == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        ExInitializeResourceLite(resource);
        ExFreePoolWithTag(resource, 'cseR');
    }
    return STATUS_SUCCESS;
}
