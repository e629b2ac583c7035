/* SPDX-License-Identifier: MIT */
/* put-adapter-early: a mistake on purpose. An adapter is released while it has a common buffer. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    DEVICE_DESCRIPTION description = {
        .Version = 1, .Master = TRUE, .Dma32BitAddresses = TRUE, .MaximumLength = PAGE_SIZE};
    PHYSICAL_ADDRESS logical;
    PDMA_ADAPTER adapter;
    ULONG registers;

    if (major_of(Irp) == IRP_MJ_DEVICE_CONTROL) {
        adapter = IoGetDmaAdapter(NULL, &description, &registers);
        adapter->DmaOperations->AllocateCommonBuffer(adapter, 100, &logical, TRUE);
        adapter->DmaOperations->PutDmaAdapter(adapter); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}
