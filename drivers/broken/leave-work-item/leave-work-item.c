/* SPDX-License-Identifier: MIT */
/* leave-work-item: a mistake on purpose. A work item is not freed. */
#include "../broken.h"

static PIO_WORKITEM item;

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
    item = IoAllocateWorkItem(device);
    return STATUS_SUCCESS;
}
