/* SPDX-License-Identifier: MIT */
/* leave-channel: a mistake on purpose. An adapter channel that AdapterControl kept is not freed, and a
 * request waits for it. */
#include "../broken.h"

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    return KeepObject;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 2, .Master = TRUE, .MaximumLength = PAGE_SIZE};
    ULONG registers;
    PADAPTER_OBJECT adapter = (PADAPTER_OBJECT)HalGetAdapter(&description, &registers);
    PDEVICE_OBJECT device;
    KIRQL irql;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoAllocateAdapterChannel(adapter, device, 1, control, NULL);
    IoAllocateAdapterChannel(adapter, device, 1, control, NULL); /* waits */
    KeLowerIrql(irql);
    return status;
}
