/* SPDX-License-Identifier: MIT */
/* leave-map-registers: a mistake on purpose. Map registers that AdapterControl kept are not freed. */
#include "../broken.h"

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    return DeallocateObjectKeepRegisters;
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
    KeLowerIrql(irql);
    return status;
}
