/* SPDX-License-Identifier: MIT */
/* pool-middle: a mistake on purpose. It frees its block by a pointer into it. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    PUCHAR block = ExAllocatePoolWithTag(NonPagedPoolNx, 128, 'ddiM');

    if (block != NULL)
        ExFreePoolWithTag(block + 16, 'ddiM'); /* the mistake */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
