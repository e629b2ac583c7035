/* SPDX-License-Identifier: MIT */
/* leave-adapter: a mistake on purpose. A DMA adapter is not put. */
#include "../broken.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 2,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .Dma32BitAddresses = TRUE,
                                      .MaximumLength = 4 * PAGE_SIZE};
    ULONG registers;

    DriverObject->DriverUnload = delete_devices;
    return IoGetDmaAdapter(NULL, &description, &registers) != NULL ? STATUS_SUCCESS
                                                                   : STATUS_INSUFFICIENT_RESOURCES;
}
