/* SPDX-License-Identifier: MIT */
/* wild-pointer: a mistake on purpose. It reads through a pointer that is no address at all. */
#include "../broken.h"

static volatile ULONG_PTR address = 0xDEADBEEFDEADBEEF;

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    return *(volatile ULONG *)address; /* the mistake */
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
