/* SPDX-License-Identifier: MIT */
/* leave-irp: a mistake on purpose. An IRP is allocated and not freed. */
#include "../broken.h"

static PIRP irp;

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
    irp = IoAllocateIrp(2, FALSE);
    return STATUS_SUCCESS;
}
