/* SPDX-License-Identifier: MIT */
/* discarded-init: a mistake on purpose. It calls a routine of its INIT section after DriverEntry. */
#include "../broken.h"

static __attribute__((section("INIT"), noinline)) ULONG prepare(ULONG value)
{
    return value * 3;
}

static ULONG (*volatile routine)(ULONG) = prepare;

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
