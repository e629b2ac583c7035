/* SPDX-License-Identifier: MIT */
/* leave-contiguous: a mistake on purpose. Contiguous memory is not freed. */
#include "../broken.h"

static PVOID block;

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
        PHYSICAL_ADDRESS highest = {.QuadPart = 0xFFFFFF};

        block = MmAllocateContiguousMemory(PAGE_SIZE, highest);
    }
    return STATUS_SUCCESS;
}
