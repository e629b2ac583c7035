/* SPDX-License-Identifier: MIT */
/* lookaside-never: a mistake on purpose. A lookaside list is deleted that was never initialized. */
#include "../broken.h"

static NPAGED_LOOKASIDE_LIST list;

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
    ExDeleteNPagedLookasideList(&list);
    return STATUS_SUCCESS;
}
