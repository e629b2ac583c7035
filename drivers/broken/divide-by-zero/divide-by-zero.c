/* SPDX-License-Identifier: MIT */
/* divide-by-zero: a mistake on purpose. It divides by zero. */
#include "../broken.h"

static volatile ULONG divisor, quotient;

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    quotient = 1000 / divisor; /* the mistake */
    return quotient;
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
