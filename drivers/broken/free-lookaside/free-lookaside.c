/* SPDX-License-Identifier: MIT */
/* free-lookaside: a mistake on purpose. A pool block is freed whose lookaside list was not deleted. */
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
        PNPAGED_LOOKASIDE_LIST list = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*list), 'kooL');

        if (list == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 64, 'kooL', 0);
        ExFreePoolWithTag(list, 'kooL');
    }
    return STATUS_SUCCESS;
}
