/* SPDX-License-Identifier: MIT */
/* jump-to-nowhere: a mistake on purpose. It calls a routine by a pointer that was never set. */
#include "../broken.h"

static ULONG (*volatile routine)(ULONG);

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    return routine(1) + 1; /* the mistake */
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
