/* SPDX-License-Identifier: MIT */
/* null-pointer-write: a mistake on purpose. It writes through a NULL pointer at PASSIVE_LEVEL. */
#include "../broken.h"

static volatile ULONG *volatile pointer;

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    pointer[5] = 1; /* the mistake */
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
