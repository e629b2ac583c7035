/* SPDX-License-Identifier: MIT */
/* leave-io-space: a mistake on purpose. A mapping of device memory is not undone. */
#include "../broken.h"

static PVOID mapped;

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
        PHYSICAL_ADDRESS rom = {.QuadPart = 0xF0000};

        mapped = MmMapIoSpace(rom, PAGE_SIZE, MmNonCached);
    }
    return STATUS_SUCCESS;
}
