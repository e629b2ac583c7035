/* SPDX-License-Identifier: MIT */
/* pool-overrun: a mistake on purpose. It writes one byte more than it allocated. */
#include "../broken.h"

#define LENGTH 128

static DECLSPEC_NOINLINE void fill(volatile UCHAR *block, ULONG length)
{
    ULONG i;

    for (i = 0; i <= length; i++) /* the mistake: <= */
        block[i] = 0;
}

static void make_mistake(PIRP Irp)
{
    PUCHAR block = ExAllocatePoolWithTag(NonPagedPoolNx, LENGTH, 'revO');

    if (block == NULL)
        return;
    fill(block, LENGTH);
    ExFreePoolWithTag(block, 'revO');
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
