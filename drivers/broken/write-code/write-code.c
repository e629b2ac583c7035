/* SPDX-License-Identifier: MIT */
/* write-code: a mistake on purpose. It writes to its own code. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp);

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    *(volatile UCHAR *)(ULONG_PTR)dispatch = 0xCC; /* the mistake */
    return 0;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        Irp->IoStatus.Information = make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
