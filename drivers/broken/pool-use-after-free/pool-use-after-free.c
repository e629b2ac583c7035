/* SPDX-License-Identifier: MIT */
/* pool-use-after-free: a mistake on purpose. It reads a block that it freed in another routine. */
#include "../broken.h"

static volatile LONG blocks;

static DECLSPEC_NOINLINE PULONG make(void)
{
    PULONG block = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(ULONG), 'enoG');

    blocks++;
    return block;
}

static DECLSPEC_NOINLINE void drop(PVOID block)
{
    ExFreePoolWithTag(block, 'enoG');
    blocks--;
}

static void make_mistake(PIRP Irp)
{
    volatile ULONG *block = make();

    if (block == NULL)
        return;
    *block = 1;
    drop((PVOID)block);
    Irp->IoStatus.Information = *block; /* the mistake */
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
