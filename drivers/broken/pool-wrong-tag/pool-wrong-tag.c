/* SPDX-License-Identifier: MIT */
/* pool-wrong-tag: a mistake on purpose. It frees its block under another tag. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, 128, 'gaTA');

    if (block != NULL)
        ExFreePoolWithTag(block, 'gaTB'); /* the mistake */
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
