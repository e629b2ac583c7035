/* SPDX-License-Identifier: MIT */
/* leave-common-buffer: a mistake on purpose. A DMA common buffer is not freed. */
#include "../broken.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 2,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .Dma32BitAddresses = TRUE,
                                      .MaximumLength = 4 * PAGE_SIZE};
    PADAPTER_OBJECT adapter;
    PHYSICAL_ADDRESS logical;
    ULONG registers;

    adapter = (PADAPTER_OBJECT)HalGetAdapter(&description, &registers); /* NT cannot release it */
    DriverObject->DriverUnload = delete_devices;
    return HalAllocateCommonBuffer(adapter, 100, &logical, TRUE) != NULL ? STATUS_SUCCESS
                                                                         : STATUS_INSUFFICIENT_RESOURCES;
}
