/* SPDX-License-Identifier: MIT */
/* pool-foreign: a mistake on purpose. It frees an address of its own image. */
#include "../broken.h"

static UCHAR own[64];

static void make_mistake(PIRP Irp)
{
    ExFreePool(own); /* the mistake */
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
