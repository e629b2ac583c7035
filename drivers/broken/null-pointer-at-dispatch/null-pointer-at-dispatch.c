/* SPDX-License-Identifier: MIT */
/* null-pointer-at-dispatch: a mistake on purpose. It reads through a NULL pointer at DISPATCH_LEVEL. */
#include "../broken.h"

static volatile ULONG *volatile pointer;

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    KIRQL irql;
    ULONG value;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    value = pointer[1]; /* the mistake */
    KeLowerIrql(irql);
    return value;
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
