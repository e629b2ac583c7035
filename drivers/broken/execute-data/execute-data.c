/* SPDX-License-Identifier: MIT */
/* execute-data: a mistake on purpose. It calls into its data. */
#include "../broken.h"

static UCHAR data[16] = {0xC3};
static ULONG (*volatile routine)(ULONG) = (ULONG(*)(ULONG))(ULONG_PTR)data;

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
