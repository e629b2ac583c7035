/* SPDX-License-Identifier: MIT */
/* pool-underrun: a mistake on purpose. It writes to the byte before its block. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    volatile UCHAR *block = ExAllocatePoolWithTag(PagedPool, 64, 'rdnU');

    if (block == NULL)
        return;
    block[-1] = 0; /* the mistake */
    ExFreePoolWithTag((PVOID)block, 'rdnU');
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
