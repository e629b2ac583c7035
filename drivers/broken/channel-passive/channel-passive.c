/* SPDX-License-Identifier: MIT */
/* channel-passive: a mistake on purpose. A channel is asked for at PASSIVE_LEVEL. */
#include "../broken.h"

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    return DeallocateObject;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 2, .Master = TRUE, .MaximumLength = PAGE_SIZE};
    ULONG registers;
    PDMA_ADAPTER adapter = (PDMA_ADAPTER)HalGetAdapter(&description, &registers);
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (NT_SUCCESS(status))
        adapter->DmaOperations->AllocateAdapterChannel(adapter, device, 1, control, NULL); /* the mistake */
    return status;
}
