/* SPDX-License-Identifier: MIT */
/* channel-twice: a mistake on purpose. AdapterControl asks for the channel again before it has returned. */
#include "../broken.h"

static PADAPTER_OBJECT adapter;

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    DbgPrint("the channel is ours\n");
    IoAllocateAdapterChannel(adapter, DeviceObject, 1, control, NULL); /* the mistake */
    return DeallocateObject;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL irql;

    if (major_of(Irp) == IRP_MJ_DEVICE_CONTROL) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        IoAllocateAdapterChannel(adapter, DeviceObject, 1, control, NULL);
        KeLowerIrql(irql);
    }
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
