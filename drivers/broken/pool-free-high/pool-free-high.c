/* SPDX-License-Identifier: MIT */
/* pool-free-high: a mistake on purpose. It frees paged pool at DISPATCH_LEVEL. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    PVOID block = ExAllocatePoolWithTag(PagedPool, 128, 'hgiH');
    KIRQL irql;

    if (block == NULL)
        return;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExFreePoolWithTag(block, 'hgiH'); /* the mistake */
    KeLowerIrql(irql);
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
