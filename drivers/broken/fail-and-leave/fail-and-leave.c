/* SPDX-License-Identifier: MIT */
/* fail-and-leave: a mistake on purpose. DriverEntry fails and frees nothing of what it had allocated. */
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
    kept = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'liaF');
    return STATUS_UNSUCCESSFUL;
}
