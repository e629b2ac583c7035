/* SPDX-License-Identifier: MIT */
/*
 * MapTransfer and what belongs to it, in the form of versions 1 and 2: one
 * MDL, and an address in it that only says how far into it the transfer is.
 */
#include "hal/dma.h"

/* Where CurrentVa is in the MDL. Bug check 0xE6/1B if the region is not inside. Rules: DMA-13. */
static ULONG index_of(PMDL mdl, PVOID current_va, ULONG length)
{
    /* DMA-13: an index, whatever is or is not mapped there. */
    ULONG_PTR at = (ULONG_PTR)current_va - (ULONG_PTR)MmGetMdlVirtualAddress(mdl);

    if (at >= mdl->ByteCount || length > mdl->ByteCount - at)
        dma_violation(0x1B, (ULONG_PTR)current_va, (ULONG_PTR)mdl, length,
                      "a DMA routine was given an address and a length that are not within the MDL");
    return (ULONG)at;
}

/*
 * Makes a part of a locked buffer reachable for the device and says where, and for a device behind the
 * system's controller programs that. *Length shrinks to what is in one piece if the device takes many pieces.
 * IRQL: <= DISPATCH_LEVEL. Rules: DMA-12, DMA-13.
 */
PHYSICAL_ADDRESS NTAPI dma_map_transfer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                        PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request = dma_request_of(adapter, MapRegisterBase);
    ULONG at = index_of(Mdl, CurrentVa, *Length);
    uint64_t pa;

    if (request == NULL)
        /* DMA-12: not before the channel and the registers are the driver's. */
        dma_violation(0x16, (ULONG_PTR)MapRegisterBase, 0, 0,
                      "MapTransfer was called with map registers that are not allocated");
    if (adapter->scatter_gather) {
        /* DMA-12: as far as it is in one piece. */
        pa = dma_map_piece(request, Mdl, at, Length, WriteToDevice);
    } else {
        pa = dma_map_whole(request, Mdl, at, *Length, WriteToDevice);
        if (!adapter->master)
            dma_system_start_alone(request, pa, *Length, WriteToDevice);
    }
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)pa};
}

/*
 * Ends a transfer: the system's controller stops, data from the device reaches the buffer. FALSE: nothing of
 * this was possible, since the map registers are not the driver's any more. IRQL: <= DISPATCH_LEVEL.
 * Rules: DMA-11.
 */
BOOLEAN NTAPI dma_flush_adapter_buffers(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                        PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request = dma_request_of(adapter, MapRegisterBase);

    /* DMA-11: data that cannot be flushed is an error of the transfer. */
    if (request == NULL)
        return FALSE;
    if (!adapter->master)
        dma_system_stop(request);
    if (Length != 0)
        dma_flush(request, Mdl, index_of(Mdl, CurrentVa, Length), Length, WriteToDevice);
    return TRUE;
}

/* What the address and the length of a buffer must be multiples of: the units that move at once. IRQL:
 * PASSIVE_LEVEL. */
ULONG NTAPI dma_get_alignment(PDMA_ADAPTER DmaAdapter)
{
    return dma_adapter_of(DmaAdapter)->unit;
}

/* Bytes that the system's controller has still to move; a bus master's count is its own business. IRQL: <=
 * DISPATCH_LEVEL. Rules: DMA-23. */
ULONG NTAPI dma_read_counter(PDMA_ADAPTER DmaAdapter)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);

    /* DMA-23: there is a counter in the system's controller only. */
    return adapter->master ? 0 : dma_system_left(adapter);
}
