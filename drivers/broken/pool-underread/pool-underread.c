/* SPDX-License-Identifier: MIT */
/* pool-underread: a mistake on purpose. It reads the byte before a block that it wants guarded there. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    volatile UCHAR *block =
        ExAllocatePoolWithTagPriority(NonPagedPoolNx, 64, 'raeR', NormalPoolPrioritySpecialPoolUnderrun);

    if (block == NULL)
        return;
    Irp->IoStatus.Information = block[-1]; /* the mistake */
    ExFreePoolWithTag((PVOID)block, 'raeR');
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
