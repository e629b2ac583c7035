/* SPDX-License-Identifier: MIT */
/* pool-freed-twice: a mistake on purpose. Two routines free the same block. */
#include "../broken.h"

static volatile LONG drops;

static DECLSPEC_NOINLINE void drop(PVOID block)
{
    ExFreePoolWithTag(block, 'eciT');
    drops++;
}

static void make_mistake(PIRP Irp)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, 32, 'eciT');

    if (block == NULL)
        return;
    drop(block);
    ExFreePoolWithTag(block, 'eciT'); /* the mistake */
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
