/* SPDX-License-Identifier: MIT */
/* map-unallocated: a mistake on purpose. MapTransfer with map registers that were given back. */
#include "../broken.h"

static PADAPTER_OBJECT adapter;
static PVOID base;

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    base = MapRegisterBase;
    return DeallocateObject;
}

static void map(PDEVICE_OBJECT DeviceObject)
{
    ULONG length = 16;
    PMDL mdl = IoAllocateMdl(DeviceObject, length, FALSE, FALSE, NULL);
    KIRQL irql;

    MmBuildMdlForNonPagedPool(mdl);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoAllocateAdapterChannel(adapter, DeviceObject, 1, control, NULL);
    IoMapTransfer(adapter, mdl, base, MmGetMdlVirtualAddress(mdl), &length, TRUE); /* the mistake */
    KeLowerIrql(irql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_DEVICE_CONTROL)
        map(DeviceObject);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 1, .Master = TRUE, .MaximumLength = PAGE_SIZE};
    PDEVICE_OBJECT device;
    ULONG registers;

    adapter = (PADAPTER_OBJECT)HalGetAdapter(&description, &registers);
    return make_broken(DriverObject, dispatch, &device);
}
