/* SPDX-License-Identifier: MIT */
/*
 * What version 3 tells of an adapter and of a transfer, and what a machine
 * without DMA remapping and without a programmable controller has no answer to.
 */
#include "hal/dma.h"

/* STATUS_NOT_SUPPORTED: another version of the structure than 1. IRQL: <= DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_get_adapter_info(PDMA_ADAPTER DmaAdapter, PDMA_ADAPTER_INFO AdapterInfo)
{
    const struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);

    if (AdapterInfo->Version != DMA_ADAPTER_INFO_VERSION1)
        return STATUS_NOT_SUPPORTED;
    AdapterInfo->V1 = (DMA_ADAPTER_INFO_V1){.ReadDmaCounterAvailable = !adapter->master,
                                            .ScatterGatherLimit = adapter->scatter_gather ? ~0u : 1,
                                            .DmaAddressWidth = adapter->width,
                                            .MinimumTransferUnit = adapter->unit};
    return STATUS_SUCCESS;
}

/* What MapTransferEx and BuildScatterGatherListEx need for this region. STATUS_NOT_SUPPORTED: another version
 * of the structure than 1 and 2. IRQL: <= DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_get_transfer_info(PDMA_ADAPTER DmaAdapter, PMDL Mdl, ULONGLONG Offset, ULONG Length,
                                     BOOLEAN WriteOnly, PDMA_TRANSFER_INFO TransferInfo)
{
    const struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    ULONG elements, bounced;

    if (TransferInfo->Version != DMA_TRANSFER_INFO_VERSION1 &&
        TransferInfo->Version != DMA_TRANSFER_INFO_VERSION2)
        return STATUS_NOT_SUPPORTED;
    if (Length == 0 || !dma_chain_holds(Mdl, Offset, Length))
        return STATUS_INVALID_PARAMETER;
    elements = dma_list_elements(adapter, Mdl, Offset, Length, &bounced);
    TransferInfo->V1.MapRegisterCount = dma_span(Mdl, Offset, Length);
    TransferInfo->V1.ScatterGatherElementCount = elements;
    TransferInfo->V1.ScatterGatherListSize = (ULONG)dma_list_storage(adapter, elements, bounced);
    if (TransferInfo->Version == DMA_TRANSFER_INFO_VERSION2)
        TransferInfo->V2.LogicalPageCount = TransferInfo->V1.MapRegisterCount;
    return STATUS_SUCCESS;
}

/* The controller has no functions of its own kind. IRQL: <= DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_configure_channel(PDMA_ADAPTER DmaAdapter, ULONG FunctionNumber, PVOID Context)
{
    dma_adapter_of(DmaAdapter);
    return STATUS_NOT_IMPLEMENTED;
}

static void sync_requests(struct dma_adapter *adapter, PMDL mdl, bool write)
{
    list_for_each(it, &adapter->requests)
    {
        dma_sync(container_of(it, struct dma_request, link), mdl, 0, dma_chain_bytes(mdl), write);
    }
}

/* Processors and devices of this machine see one memory; what is apart from it is what bounces, and that is
 * brought up to date: the buffer for a read, the device's copy for a write. */
NTSTATUS NTAPI dma_flush_buffer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, BOOLEAN ReadOperation)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);

    if (Mdl == NULL)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&dma_lock);
    sync_requests(adapter, Mdl, !ReadOperation);
    rl_lock_release(&dma_lock);
    return STATUS_SUCCESS;
}

/* ---- domains of DMA remapping: without an IOMMU a device is in none, and can join none ---- */

HANDLE NTAPI dma_get_domain(PDMA_ADAPTER DmaAdapter)
{
    dma_adapter_of(DmaAdapter);
    return NULL;
}

NTSTATUS NTAPI dma_join_domain(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle)
{
    dma_adapter_of(DmaAdapter);
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS NTAPI dma_leave_domain(PDMA_ADAPTER DmaAdapter)
{
    dma_adapter_of(DmaAdapter);
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS NTAPI dma_allocate_domain_buffer(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle,
                                          PPHYSICAL_ADDRESS MaximumAddress, ULONG Length, ULONG Flags,
                                          MEMORY_CACHING_TYPE *CacheType, ULONG PreferredNode,
                                          PPHYSICAL_ADDRESS LogicalAddress, PVOID *VirtualAddress)
{
    dma_adapter_of(DmaAdapter);
    return STATUS_NOT_SUPPORTED;
}
