/* SPDX-License-Identifier: MIT */
/*
 * Scatter/gather lists. A list is built when its request has what it needs,
 * right before the driver's routine sees it, and ends with PutScatterGatherList,
 * which copies back what bounced. In the memory of a list lies, behind its
 * elements, the request itself: so BuildScatterGatherList, which was given the
 * memory, takes no other.
 */
#include "hal/dma.h"
#include "ke/held.h"
#include "mm/mm.h"

#define LIST_ALIGNMENT 16

/* How many elements a list of this region has; *bounced: the pages that need a map register. */
ULONG dma_list_elements(const struct dma_adapter *adapter, PMDL mdl, uint64_t offset, ULONG length,
                        ULONG *bounced)
{
    struct dma_cursor at = dma_seek(mdl, offset);
    ULONG elements = 0;

    *bounced = 0;
    if (!adapter->scatter_gather) {
        if (dma_needs_bounce(adapter, mdl, offset, length))
            *bounced = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(adapter->master ? dma_address(&at) : 0, length);
        return 1;
    }
    while (length != 0) {
        ULONG run = dma_run(&at, length, adapter->limit, true);
        if (run == 0) {
            run = dma_run(&at, length, adapter->limit, false);
            *bounced += (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(dma_address(&at), run);
        }
        elements++;
        length -= run;
        dma_advance(&at, run);
    }
    return elements;
}

static size_t list_bytes(ULONG elements)
{
    size_t bytes = sizeof(SCATTER_GATHER_LIST) + elements * sizeof(SCATTER_GATHER_ELEMENT);

    return (bytes + LIST_ALIGNMENT - 1) & ~(size_t)(LIST_ALIGNMENT - 1);
}

/* Of a buffer for a list, wherever it begins. */
size_t dma_list_storage(const struct dma_adapter *adapter, ULONG elements, ULONG bounced)
{
    ULONG room = adapter->pool != NULL ? bounced : 0;

    return LIST_ALIGNMENT + list_bytes(elements) + sizeof(struct dma_request) +
           room * sizeof(struct dma_bounce);
}

static void add_element(PSCATTER_GATHER_LIST list, uint64_t pa, ULONG length)
{
    SCATTER_GATHER_ELEMENT *element = &list->Elements[list->NumberOfElements++];

    element->Address.QuadPart = (LONGLONG)pa;
    element->Length = length;
    element->Reserved = 0;
}

/* The request has its registers. */
void dma_list_fill(struct dma_request *request)
{
    ULONG done = 0;

    request->list->NumberOfElements = 0;
    request->list->Reserved = 0;
    if (!request->adapter->scatter_gather) {
        uint64_t pa = dma_map_whole(request, request->mdl, request->offset, request->length, request->write);
        /* DMA-17: one element. */
        add_element(request->list, pa, request->length);
        if (!request->adapter->master)
            dma_system_start_alone(request, pa, request->length, request->write);
        return;
    }
    while (done < request->length) {
        ULONG length = request->length - done;
        uint64_t pa = dma_map_piece(request, request->mdl, request->offset + done, &length, request->write);
        add_element(request->list, pa, length);
        done += length;
    }
}

/* The request that will build the list, in the memory behind it; the registers are those that bounce. */
static struct dma_request *place_request(void *storage, const struct dma_list_order *order, ULONG elements,
                                         ULONG bounced)
{
    uintptr_t behind = (uintptr_t)storage + list_bytes(elements) + LIST_ALIGNMENT - 1;
    struct dma_request *request = (struct dma_request *)(behind & ~(LIST_ALIGNMENT - 1ull));
    PDEVICE_OBJECT device = order->device;

    *request = (struct dma_request){.adapter = order->adapter,
                                    .device = device,
                                    .caller = ke_driver_caller(),
                                    .irp = device != NULL ? device->CurrentIrp : NULL,
                                    .count = bounced,
                                    .taken = bounced,
                                    .bounce_room = order->adapter->pool != NULL ? bounced : 0,
                                    .bounces = (struct dma_bounce *)(request + 1),
                                    .list = storage,
                                    .storage = order->buffer == NULL ? storage : NULL,
                                    .mdl = order->mdl,
                                    .offset = order->offset,
                                    .length = order->length,
                                    .write = order->write,
                                    .list_control = order->routine,
                                    .driver_context = order->context,
                                    .transfer_context = order->transfer_context};
    return request;
}

/* Checks the order, changing nothing, and then asks. The driver's routine may have put the list, and freed
 * the buffer that it lies in, when this returns. */
NTSTATUS dma_list_submit(const struct dma_list_order *order)
{
    struct dma_adapter *adapter = order->adapter;
    void *storage = order->buffer;
    ULONG elements, bounced;

    if (order->length == 0 || !dma_chain_holds(order->mdl, order->offset, order->length))
        return STATUS_BUFFER_TOO_SMALL;
    /* DMA-15: the registers for all of a chain. */
    if (dma_span(order->mdl, order->offset, order->length) > adapter->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    elements = dma_list_elements(adapter, order->mdl, order->offset, order->length, &bounced);
    size_t bytes = dma_list_storage(adapter, elements, bounced);
    if (storage != NULL && order->buffer_length < bytes)
        return STATUS_BUFFER_TOO_SMALL;
    if (storage == NULL)
        storage = mm_alloc(bytes, DMA_TAG);
    if (storage == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (order->list != NULL)
        *order->list = storage;
    return dma_request_submit(place_request(storage, order, elements, bounced), order->wait);
}

static uint64_t offset_of(PMDL mdl, PVOID current_va)
{
    return (uint64_t)((ULONG_PTR)current_va - (ULONG_PTR)MmGetMdlVirtualAddress(mdl));
}

/*
 * Allocates the channel, the map registers and a list for the region of the MDL chain that begins at
 * CurrentVa, maps it, and calls AdapterListControl when all is there, now or later. Any number of requests of
 * one device object may wait. STATUS_BUFFER_TOO_SMALL: the chain ends before the region does.
 * IRQL: DISPATCH_LEVEL. Rules: DMA-14, DMA-15, DMA-17.
 */
NTSTATUS NTAPI dma_get_list(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID CurrentVa,
                            ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                            BOOLEAN WriteToDevice)
{
    return dma_list_submit(&(struct dma_list_order){.adapter = dma_adapter_of(DmaAdapter),
                                                    .device = DeviceObject,
                                                    .mdl = Mdl,
                                                    .offset = offset_of(Mdl, CurrentVa),
                                                    .length = Length,
                                                    .write = WriteToDevice,
                                                    .wait = true,
                                                    .routine = ExecutionRoutine,
                                                    .context = Context});
}

/* The same in the caller's memory, of the size that CalculateScatterGatherList says. IRQL: DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_build_list(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID CurrentVa,
                              ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                              BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherLength)
{
    return dma_list_submit(&(struct dma_list_order){.adapter = dma_adapter_of(DmaAdapter),
                                                    .device = DeviceObject,
                                                    .mdl = Mdl,
                                                    .offset = offset_of(Mdl, CurrentVa),
                                                    .length = Length,
                                                    .write = WriteToDevice,
                                                    .wait = true,
                                                    .routine = ExecutionRoutine,
                                                    .context = Context,
                                                    .buffer = ScatterGatherBuffer,
                                                    .buffer_length = ScatterGatherLength});
}

/* The size of the memory for BuildScatterGatherList: the most that a buffer at CurrentVa may need without an
 * MDL, with one what it does need. IRQL: any. */
NTSTATUS NTAPI dma_calculate_list(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                  PULONG ScatterGatherListSize, PULONG NumberOfMapRegisters)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    ULONG span = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(CurrentVa, Length);
    ULONG elements = adapter->scatter_gather ? span : 1, bounced = span;

    if (Mdl != NULL) {
        uint64_t offset = offset_of(Mdl, CurrentVa);

        if (!dma_chain_holds(Mdl, offset, Length))
            return STATUS_BUFFER_TOO_SMALL;
        span = dma_span(Mdl, offset, Length);
        elements = dma_list_elements(adapter, Mdl, offset, Length, &bounced);
    }
    if (span > adapter->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    *ScatterGatherListSize = (ULONG)dma_list_storage(adapter, elements, bounced);
    if (NumberOfMapRegisters != NULL)
        *NumberOfMapRegisters = span;
    return STATUS_SUCCESS;
}

static void free_built(PMDL mdl)
{
    while (mdl != NULL) {
        PMDL next = mdl->Next;

        if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
            MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
        IoFreeMdl(mdl);
        mdl = next;
    }
}

/* Ends what AdapterListControl was given: copies back what the device wrote, frees the map registers, the
 * MDLs made from the list, and the list unless it lies in the driver's memory. Bug check 0xE6/6 for a list
 * that there is not. IRQL: DISPATCH_LEVEL. Rules: DMA-16. */
VOID NTAPI dma_put_list(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, BOOLEAN WriteToDevice)
{
    struct dma_request *request = dma_request_by_list(dma_adapter_of(DmaAdapter), ScatterGather);

    if (request == NULL)
        dma_violation(6, 0, 0, 0, "PutScatterGatherList was called for a list that is not allocated");
    if (!request->adapter->master)
        dma_system_stop(request);
    /* DMA-16: only now may the driver look at its buffer. */
    dma_flush(request, request->mdl, request->offset, request->length, WriteToDevice);
    free_built(request->built);
    /* DMA-16: the registers and the list go. */
    dma_request_release(request, true, true);
}
