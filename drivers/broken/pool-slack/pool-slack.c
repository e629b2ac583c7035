/* SPDX-License-Identifier: MIT */
/* pool-slack: a mistake on purpose. It writes behind a block whose size is no multiple of 16. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    volatile UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 100, 'kalS');

    if (block == NULL)
        return;
    block[100] = 0; /* the mistake: the last byte is 99 */
    ExFreePool((PVOID)block);
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
