/* SPDX-License-Identifier: MIT */
/*
 * Version 3 of the operations: transfers named by a context of the driver's,
 * allocations that can be cancelled or must not wait, whole MDL chains in one
 * call. The context holds only what marks it as one and whether it was
 * cancelled; which request belongs to it is looked up, so that the driver may
 * do with the memory what it likes once its transfer is over.
 */
#include "hal/dma.h"

#define CONTEXT_SIGNATURE 0x33616D44u /* 'Dma3' */

struct transfer_context {
    ULONG signature;
    ULONG canceled;
};
_Static_assert(sizeof(struct transfer_context) <= DMA_TRANSFER_CONTEXT_SIZE_V1, "it fits");

static struct transfer_context *context_of(PVOID transfer_context)
{
    struct transfer_context *context = transfer_context;

    return context != NULL && context->signature == CONTEXT_SIGNATURE ? context : NULL;
}

static bool is_canceled(const struct transfer_context *context)
{
    return __atomic_load_n(&context->canceled, __ATOMIC_ACQUIRE) != 0;
}

static bool waits(const struct dma_request *request)
{
    return request->state == DMA_WAITS_FOR_CHANNEL || request->state == DMA_WAITS_FOR_REGISTERS;
}

/* Makes the memory a context that nothing was asked for with. STATUS_INVALID_PARAMETER: none, or a request
 * waits with it. IRQL: <= DISPATCH_LEVEL. Rules: DMA-22. */
NTSTATUS NTAPI dma_initialize_context(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext)
{
    struct dma_request *former;
    bool busy;

    dma_adapter_of(DmaAdapter);
    if (DmaTransferContext == NULL)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&dma_lock);
    former = dma_request_by_context(DmaTransferContext);
    busy = former != NULL && waits(former);
    if (former != NULL && !busy)
        former->transfer_context = NULL;
    rl_lock_release(&dma_lock);
    /* DMA-22: one request at a time is known by a context. */
    if (busy)
        return STATUS_INVALID_PARAMETER;
    *(struct transfer_context *)DmaTransferContext = (struct transfer_context){CONTEXT_SIGNATURE, 0};
    return STATUS_SUCCESS;
}

/* May something be asked for with this context? */
static NTSTATUS check_context(PVOID transfer_context)
{
    struct transfer_context *context = context_of(transfer_context);
    bool used;

    if (context == NULL)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&dma_lock);
    used = dma_request_by_context(transfer_context) != NULL;
    rl_lock_release(&dma_lock);
    /* DMA-22: unique among all requests. */
    if (used)
        return STATUS_INVALID_PARAMETER;
    /* DMA-22: cancelled before it was made. */
    return is_canceled(context) ? STATUS_CANCELLED : STATUS_SUCCESS;
}

static NTSTATUS check_channel_call(ULONG flags, PDRIVER_CONTROL routine, const PVOID *base)
{
    bool synchronous = flags & DMA_SYNCHRONOUS_CALLBACK;

    if (flags & ~(ULONG)DMA_SYNCHRONOUS_CALLBACK)
        return STATUS_INVALID_PARAMETER;
    /* DMA-21: without a routine the caller must learn of the registers; who does not wait for the call has
     * one. */
    if ((routine == NULL && base == NULL) || (!synchronous && base != NULL))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/*
 * AllocateAdapterChannel with a context, by which the request can be cancelled while it waits; with
 * DMA_SYNCHRONOUS_CALLBACK it never waits, and the routine may be omitted: then the caller has the channel
 * and the registers, and gives them back by FreeAdapterObject. STATUS_CANCELLED: the context was cancelled
 * before. IRQL: DISPATCH_LEVEL. Rules: DMA-21, DMA-22.
 */
NTSTATUS NTAPI dma_allocate_adapter_channel_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                               PVOID DmaTransferContext, ULONG NumberOfMapRegisters,
                                               ULONG Flags, PDRIVER_CONTROL ExecutionRoutine,
                                               PVOID ExecutionContext, PVOID *MapRegisterBase)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    NTSTATUS status = check_channel_call(Flags, ExecutionRoutine, MapRegisterBase);
    struct dma_request *request;

    if (NT_SUCCESS(status))
        status = check_context(DmaTransferContext);
    if (!NT_SUCCESS(status))
        return status;
    if (NumberOfMapRegisters > adapter->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    request = dma_request_create(adapter, DeviceObject, NumberOfMapRegisters);
    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->control = ExecutionRoutine;
    request->driver_context = ExecutionContext;
    request->transfer_context = DmaTransferContext;
    /* DMA-21: synchronous: now, in this thread, or not at all. */
    status = dma_request_submit(request, !(Flags & DMA_SYNCHRONOUS_CALLBACK));
    if (NT_SUCCESS(status) && MapRegisterBase != NULL)
        /* DMA-21: the handle, for a caller without a routine. */
        *MapRegisterBase = request;
    return status;
}

/* TRUE: what the context was used to ask for will not be called, nor what it will be used for next. FALSE: it
 * was allocated already. IRQL: <= DISPATCH_LEVEL. Rules: DMA-22. */
BOOLEAN NTAPI dma_cancel_adapter_channel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                         PVOID DmaTransferContext)
{
    struct transfer_context *context = context_of(DmaTransferContext);
    struct dma_request *request;

    dma_adapter_of(DmaAdapter);
    if (context == NULL)
        return FALSE;
    rl_lock_acquire(&dma_lock);
    request = dma_request_by_context(DmaTransferContext);
    rl_lock_release(&dma_lock);
    if (request == NULL) {
        __atomic_store_n(&context->canceled, 1, __ATOMIC_RELEASE);
        return TRUE;
    }
    /* DMA-22: the context says which request. */
    return dma_request_cancel(request);
}

/* Gives back what an allocation without a routine kept. IRQL: <= DISPATCH_LEVEL. Rules: DMA-21. */
VOID NTAPI dma_free_adapter_object(PDMA_ADAPTER DmaAdapter, IO_ALLOCATION_ACTION AllocationAction)
{
    struct dma_request *owner = dma_channel_owner(dma_adapter_of(DmaAdapter));

    if (AllocationAction == KeepObject)
        return;
    if (owner == NULL)
        dma_violation(4, 1, 0, 0,
                      "FreeAdapterObject was called for an adapter whose channel is not allocated");
    /* DMA-21: the channel, and unless they are kept the registers. */
    dma_request_release(owner, true, AllocationAction == DeallocateObject);
}

/* ---- transfers ---- */

static bool elements_fit(ULONG bytes, ULONG *elements)
{
    if (bytes < sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT))
        return false;
    *elements = (bytes - (ULONG)sizeof(SCATTER_GATHER_LIST)) / (ULONG)sizeof(SCATTER_GATHER_ELEMENT);
    return true;
}

struct transfer {
    struct dma_request *request;
    PMDL mdl;
    uint64_t offset;
    bool write;
    PSCATTER_GATHER_LIST list; /* NULL: the caller wants none */
    ULONG elements;
};

static void add(const struct transfer *transfer, uint64_t pa, ULONG length)
{
    SCATTER_GATHER_ELEMENT *element;

    if (transfer->list == NULL)
        return;
    element = &transfer->list->Elements[transfer->list->NumberOfElements++];
    *element = (SCATTER_GATHER_ELEMENT){.Address = {.QuadPart = (LONGLONG)pa}, .Length = length};
}

/* Is the next piece one that would need a register, and is none left? */
static bool starved(const struct transfer *transfer, uint64_t offset)
{
    struct dma_cursor at = dma_seek(transfer->mdl, offset);

    return dma_run(&at, 1, transfer->request->adapter->limit, true) == 0 &&
           dma_room(transfer->request, dma_address(&at)) == 0;
}

/* As much as there are elements and registers for: bytes. */
static ULONG map_pieces(const struct transfer *transfer, ULONG length)
{
    ULONG done = 0;

    while (done < length && transfer->list->NumberOfElements < transfer->elements &&
           !starved(transfer, transfer->offset + done)) {
        ULONG piece = length - done;
        uint64_t pa =
            dma_map_piece(transfer->request, transfer->mdl, transfer->offset + done, &piece, transfer->write);

        add(transfer, pa, piece);
        done += piece;
    }
    return done;
}

/* One element, as long as the registers reach. */
static ULONG map_whole(const struct transfer *transfer, ULONG length)
{
    struct dma_request *request = transfer->request;
    struct dma_cursor at = dma_seek(transfer->mdl, transfer->offset);
    uint64_t pa = dma_address(&at);

    if (dma_needs_bounce(request->adapter, transfer->mdl, transfer->offset, length))
        length = MIN(length, dma_room(request, pa));
    if (length == 0)
        return 0;
    pa = dma_map_whole(request, transfer->mdl, transfer->offset, length, transfer->write);
    add(transfer, pa, length);
    if (!request->adapter->master)
        dma_system_start(request, pa, length, transfer->write);
    return length;
}

/* The list is one for bus masters; a completion routine is one for the system's controller. */
static NTSTATUS check_transfer(const struct dma_adapter *adapter, const struct transfer *transfer,
                               ULONG length, PDMA_COMPLETION_ROUTINE routine)
{
    if (!dma_chain_holds(transfer->mdl, transfer->offset, length) || length == 0)
        return STATUS_INVALID_PARAMETER;
    if (adapter->master && (transfer->list == NULL || routine != NULL))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/*
 * Maps a region of an MDL chain, as much of it as there are registers and room in the list for: *Length says
 * how much. A transfer by the system's controller starts, and its routine is called when it is through.
 * STATUS_CANCELLED: CancelMappedTransfer ended the context. IRQL: <= DISPATCH_LEVEL.
 */
NTSTATUS NTAPI dma_map_transfer_ex(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase, ULONGLONG Offset,
                                   ULONG DeviceOffset, PULONG Length, BOOLEAN WriteToDevice,
                                   PSCATTER_GATHER_LIST ScatterGatherBuffer, ULONG ScatterGatherBufferLength,
                                   PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request = dma_request_of(adapter, MapRegisterBase);
    struct transfer transfer = {request, Mdl, Offset, WriteToDevice, ScatterGatherBuffer, 0};
    struct transfer_context *context;
    NTSTATUS status;

    if (request == NULL)
        return STATUS_INVALID_PARAMETER;
    context = context_of(request->transfer_context);
    if (context != NULL && is_canceled(context))
        return STATUS_CANCELLED;
    status = check_transfer(adapter, &transfer, *Length, DmaCompletionRoutine);
    if (!NT_SUCCESS(status))
        return status;
    if (transfer.list != NULL && !elements_fit(ScatterGatherBufferLength, &transfer.elements))
        return STATUS_INVALID_PARAMETER;
    if (transfer.list != NULL) {
        transfer.list->NumberOfElements = 0;
        transfer.list->Reserved = 0;
    }
    if (!adapter->master)
        dma_system_expect(request, DmaCompletionRoutine, CompletionContext);
    *Length = adapter->scatter_gather ? map_pieces(&transfer, *Length) : map_whole(&transfer, *Length);
    return *Length != 0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* FlushAdapterBuffers for a region of a chain. STATUS_INVALID_PARAMETER: the registers are not the driver's,
 * or the region is not in the chain. IRQL: <= DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_flush_adapter_buffers_ex(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                            ULONGLONG Offset, ULONG Length, BOOLEAN WriteToDevice)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request = dma_request_of(adapter, MapRegisterBase);

    if (request == NULL || !dma_chain_holds(Mdl, Offset, Length))
        return STATUS_INVALID_PARAMETER;
    if (!adapter->master)
        dma_system_stop(request);
    dma_flush(request, Mdl, Offset, Length, WriteToDevice);
    return STATUS_SUCCESS;
}

/* Stops a transfer by the system's controller; its routine is called with DmaCancelled, and nothing more is
 * mapped with this context. STATUS_INVALID_PARAMETER: the context has no allocation of such an adapter. IRQL:
 * <= DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_cancel_mapped_transfer(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct transfer_context *context = context_of(DmaTransferContext);
    struct dma_request *request;

    rl_lock_acquire(&dma_lock);
    request = context != NULL ? dma_request_by_context(DmaTransferContext) : NULL;
    rl_lock_release(&dma_lock);
    if (request == NULL || request->adapter != adapter || adapter->master || waits(request))
        return STATUS_INVALID_PARAMETER;
    __atomic_store_n(&context->canceled, 1, __ATOMIC_RELEASE);
    dma_system_cancel(request);
    return STATUS_SUCCESS;
}

/* ---- lists ---- */

/* Bus masters only. Without a routine the call must not wait, and the caller must learn of the list. */
static NTSTATUS submit(struct dma_list_order *order, ULONG flags, const void *completion)
{
    NTSTATUS status;

    if (!order->adapter->master || completion != NULL || (flags & ~(ULONG)DMA_SYNCHRONOUS_CALLBACK))
        return STATUS_INVALID_PARAMETER;
    order->wait = !(flags & DMA_SYNCHRONOUS_CALLBACK);
    if (order->routine == NULL && (order->wait || order->list == NULL))
        return STATUS_INVALID_PARAMETER;
    if (order->length == 0 || !dma_chain_holds(order->mdl, order->offset, order->length))
        return STATUS_INVALID_PARAMETER;
    status = check_context(order->transfer_context);
    return NT_SUCCESS(status) ? dma_list_submit(order) : status;
}

/* GetScatterGatherList with a context, an offset into the chain, and a form that never waits. IRQL: <=
 * DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_get_list_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PVOID DmaTransferContext,
                               PMDL Mdl, ULONGLONG Offset, ULONG Length, ULONG Flags,
                               PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context, BOOLEAN WriteToDevice,
                               PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
                               PSCATTER_GATHER_LIST *ScatterGatherList)
{
    struct dma_list_order order = {.adapter = dma_adapter_of(DmaAdapter),
                                   .device = DeviceObject,
                                   .mdl = Mdl,
                                   .offset = Offset,
                                   .length = Length,
                                   .write = WriteToDevice,
                                   .routine = ExecutionRoutine,
                                   .context = Context,
                                   .transfer_context = DmaTransferContext,
                                   .list = ScatterGatherList};

    return submit(&order, Flags, DmaCompletionRoutine);
}

/* The same in the caller's memory. IRQL: DISPATCH_LEVEL. */
NTSTATUS NTAPI dma_build_list_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                 PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length,
                                 ULONG Flags, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                 BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherLength,
                                 PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
                                 PVOID ScatterGatherList)
{
    struct dma_list_order order = {.adapter = dma_adapter_of(DmaAdapter),
                                   .device = DeviceObject,
                                   .mdl = Mdl,
                                   .offset = Offset,
                                   .length = Length,
                                   .write = WriteToDevice,
                                   .routine = ExecutionRoutine,
                                   .context = Context,
                                   .transfer_context = DmaTransferContext,
                                   .buffer = ScatterGatherBuffer,
                                   .buffer_length = ScatterGatherLength,
                                   .list = ScatterGatherList};

    if (ScatterGatherBuffer == NULL)
        return STATUS_INVALID_PARAMETER;
    return submit(&order, Flags, DmaCompletionRoutine);
}
