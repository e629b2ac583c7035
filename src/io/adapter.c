/* SPDX-License-Identifier: MIT */
/*
 * How drivers come to DMA adapters: by a physical device object, or as Windows
 * NT drivers did. The adapters themselves are the HAL's.
 */
#include "io/private.h"
#include "hal/exports.h"
#include "hal/hal.h"

/* The device object must be one that a bus driver reported. */
static void check_physical(PDEVICE_OBJECT device)
{
    if (device == NULL || io_device_of(device)->device_node != NULL)
        return;
    struct ke_bugcheck_info info = {
        .code = PNP_DETECTED_FATAL_ERROR,
        .p = {2, (ULONG_PTR)device},
        .sentence = "IoGetDmaAdapter was called with a device object that is no physical device object",
        .device = device};
    ke_bugcheck(&info);
}

/* The bus's own routine, if it has one. */
static bool ask_bus(PDEVICE_OBJECT device, PDEVICE_DESCRIPTION description, PULONG registers,
                    PDMA_ADAPTER *adapter)
{
    return device != NULL && io_device_ops.bus_dma_adapter != NULL &&
           io_device_ops.bus_dma_adapter(device, description, registers, adapter);
}

/*
 * An adapter for the described device; *NumberOfMapRegisters: how many it may use at once, which may be fewer
 * than MaximumLength asks for. NULL: the description's version is not supported, or there can be none.
 * Without a physical device object the description alone says what the device is. Owns: the caller
 * (PutDmaAdapter). IRQL: PASSIVE_LEVEL. Rules: DMA-01, DMA-02, DMA-03.
 */
EXPORT(ntoskrnl, IoGetDmaAdapter, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PDMA_ADAPTER NTAPI IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject, PDEVICE_DESCRIPTION DeviceDescription,
                                   PULONG NumberOfMapRegisters)
{
    const void *caller = mm_caller(__builtin_return_address(0));
    PDMA_ADAPTER adapter;

    check_physical(PhysicalDeviceObject);
    /* DMA-01: a bus that has a routine for it knows what its devices can do. */
    if (!ask_bus(PhysicalDeviceObject, DeviceDescription, NumberOfMapRegisters, &adapter))
        return hal_get_adapter(DeviceDescription, NumberOfMapRegisters, false, caller);
    if (adapter != NULL)
        hal_set_adapter_caller(adapter, caller);
    return adapter;
}

/* AllocateAdapterChannel by Windows NT's name: the device object's own wait block says for whom. IRQL:
 * DISPATCH_LEVEL. Rules: DMA-05, DMA-07. */
EXPORT(ntoskrnl, IoAllocateAdapterChannel, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IoAllocateAdapterChannel(PADAPTER_OBJECT AdapterObject, PDEVICE_OBJECT DeviceObject,
                                        ULONG NumberOfMapRegisters, PDRIVER_CONTROL ExecutionRoutine,
                                        PVOID Context)
{
    PWAIT_CONTEXT_BLOCK wcb = &DeviceObject->Queue.Wcb;

    wcb->DeviceObject = DeviceObject;
    wcb->DeviceContext = Context;
    wcb->CurrentIrp = DeviceObject->CurrentIrp;
    return HalAllocateAdapterChannel(AdapterObject, wcb, NumberOfMapRegisters, ExecutionRoutine);
}
