/* SPDX-License-Identifier: MIT */
/* leave-pool: a mistake on purpose. Unload frees one of three pool blocks. */
#include "../broken.h"

static PVOID kept;

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
    kept = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'enOK');
    if (ExAllocatePoolWithTag(PagedPool, 28, 'owTK') == NULL || kept == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    return STATUS_SUCCESS;
}
