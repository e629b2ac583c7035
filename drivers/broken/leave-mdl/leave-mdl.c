/* SPDX-License-Identifier: MIT */
/* leave-mdl: a mistake on purpose. An MDL is not freed. */
#include "../broken.h"

static UCHAR buffer[64];
static PMDL mdl;

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
    mdl = IoAllocateMdl(buffer, sizeof(buffer), FALSE, FALSE, NULL);
    return STATUS_SUCCESS;
}
