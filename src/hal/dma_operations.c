/* SPDX-License-Identifier: MIT */
/*
 * The tables that drivers call through. None of their entries is an export, but
 * a driver enters by each as by one: so each is declared like one, and a table
 * holds the gates. A table is made when the first adapter of its version is.
 */
#include "hal/dma.h"
#include "hal/exports.h"
#include "ldr/ldr.h"
#include "mm/mm.h"

#define VERSIONS 3

struct operation {
    struct export_entry entry;
    USHORT offset; /* in DMA_OPERATIONS */
};

#define OPERATION(name_, function_, lo_, hi_, flags_)                                                        \
    {                                                                                                        \
        .entry = {"hal", #name_, (const void *)(function_), (lo_), (hi_), (flags_), 0},                      \
        .offset = offsetof(DMA_OPERATIONS, name_)                                                            \
    }

/* In the order of the versions; none is known to the loader by name. */
static const struct operation operations[] = {
    OPERATION(PutDmaAdapter, dma_put_adapter, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(AllocateCommonBuffer, dma_allocate_common_buffer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(FreeCommonBuffer, dma_free_common_buffer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(AllocateAdapterChannel, dma_allocate_adapter_channel, DISPATCH_LEVEL, DISPATCH_LEVEL,
              X_CALLS_DRIVER),
    OPERATION(FlushAdapterBuffers, dma_flush_adapter_buffers, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(FreeAdapterChannel, dma_free_adapter_channel, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(FreeMapRegisters, dma_free_map_registers, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(MapTransfer, dma_map_transfer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(GetDmaAlignment, dma_get_alignment, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(ReadDmaCounter, dma_read_counter, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(GetScatterGatherList, dma_get_list, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(PutScatterGatherList, dma_put_list, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    /* version 2 */
    OPERATION(CalculateScatterGatherList, dma_calculate_list, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN),
    OPERATION(BuildScatterGatherList, dma_build_list, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(BuildMdlFromScatterGatherList, dma_build_mdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    /* version 3 */
    OPERATION(GetDmaAdapterInfo, dma_get_adapter_info, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(GetDmaTransferInfo, dma_get_transfer_info, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(InitializeDmaTransferContext, dma_initialize_context, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(AllocateCommonBufferEx, dma_allocate_common_buffer_ex, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(AllocateAdapterChannelEx, dma_allocate_adapter_channel_ex, DISPATCH_LEVEL, DISPATCH_LEVEL,
              X_CALLS_DRIVER),
    OPERATION(ConfigureAdapterChannel, dma_configure_channel, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(CancelAdapterChannel, dma_cancel_adapter_channel, PASSIVE_LEVEL, DISPATCH_LEVEL,
              X_CALLS_DRIVER),
    OPERATION(MapTransferEx, dma_map_transfer_ex, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(GetScatterGatherListEx, dma_get_list_ex, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(BuildScatterGatherListEx, dma_build_list_ex, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(FlushAdapterBuffersEx, dma_flush_adapter_buffers_ex, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(FreeAdapterObject, dma_free_adapter_object, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER),
    OPERATION(CancelMappedTransfer, dma_cancel_mapped_transfer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(AllocateDomainCommonBuffer, dma_allocate_domain_buffer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(FlushDmaBuffer, dma_flush_buffer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(JoinDmaDomain, dma_join_domain, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(LeaveDmaDomain, dma_leave_domain, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(GetDmaDomain, dma_get_domain, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(AllocateCommonBufferWithBounds, dma_allocate_common_buffer_with_bounds, PASSIVE_LEVEL,
              PASSIVE_LEVEL, X_PLAIN),
    OPERATION(AllocateCommonBufferVector, dma_allocate_vector, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(GetCommonBufferFromVectorByIndex, dma_get_from_vector, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN),
    OPERATION(FreeCommonBufferFromVector, dma_free_from_vector, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(FreeCommonBufferVector, dma_free_vector, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
    OPERATION(CreateCommonBufferFromMdl, dma_create_buffer_from_mdl, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN),
};

static const USHORT sizes[VERSIONS] = {offsetof(DMA_OPERATIONS, CalculateScatterGatherList),
                                       offsetof(DMA_OPERATIONS, GetDmaAdapterInfo), sizeof(DMA_OPERATIONS)};
static PDMA_OPERATIONS tables[VERSIONS];

void dma_operations_reset(void)
{
    __builtin_memset(tables, 0, sizeof(tables));
}

static bool fill(PDMA_OPERATIONS table)
{
    for (unsigned i = 0; i < countof(operations) && operations[i].offset < table->Size; i++) {
        const void *gate = ldr_bind_export(&operations[i].entry, ldr_checked_gates);

        if (gate == NULL)
            return false;
        /* DMA-04: each by its pointer, and by no name. */
        *(const void **)((char *)table + operations[i].offset) = gate;
    }
    return true;
}

/* Exactly as large as its version is, so that nothing later is there. Rules: DMA-02, DMA-04. */
static PDMA_OPERATIONS create(ULONG version)
{
    PDMA_OPERATIONS table = mm_alloc(sizes[version - 1], DMA_TAG);

    if (table == NULL)
        return NULL;
    /* DMA-02: the operations of the version, and no later ones. */
    table->Size = sizes[version - 1];
    if (fill(table))
        return table;
    mm_free(table);
    return NULL;
}

PDMA_OPERATIONS dma_operations(ULONG version)
{
    PDMA_OPERATIONS *slot = &tables[version - 1];

    rl_lock_acquire(&dma_lock);
    if (*slot == NULL)
        *slot = create(version);
    PDMA_OPERATIONS table = *slot;
    rl_lock_release(&dma_lock);
    return table;
}

/* ---- Windows NT's names for the first ones ---- */

#define ADAPTER(object) ((PDMA_ADAPTER)(object))

EXPORT(hal, HalPutDmaAdapter, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI HalPutDmaAdapter(PADAPTER_OBJECT AdapterObject)
{
    dma_put_adapter(ADAPTER(AdapterObject));
}

EXPORT(hal, HalAllocateCommonBuffer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PVOID NTAPI HalAllocateCommonBuffer(PADAPTER_OBJECT AdapterObject, ULONG Length,
                                    PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled)
{
    return dma_allocate_common_buffer(ADAPTER(AdapterObject), Length, LogicalAddress, CacheEnabled);
}

EXPORT(hal, HalFreeCommonBuffer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI HalFreeCommonBuffer(PADAPTER_OBJECT AdapterObject, ULONG Length, PHYSICAL_ADDRESS LogicalAddress,
                               PVOID VirtualAddress, BOOLEAN CacheEnabled)
{
    dma_free_common_buffer(ADAPTER(AdapterObject), Length, LogicalAddress, VirtualAddress, CacheEnabled);
}

EXPORT(hal, IoMapTransfer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PHYSICAL_ADDRESS NTAPI IoMapTransfer(PADAPTER_OBJECT AdapterObject, PMDL Mdl, PVOID MapRegisterBase,
                                     PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice)
{
    return dma_map_transfer(ADAPTER(AdapterObject), Mdl, MapRegisterBase, CurrentVa, Length, WriteToDevice);
}

EXPORT(hal, IoFlushAdapterBuffers, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoFlushAdapterBuffers(PADAPTER_OBJECT AdapterObject, PMDL Mdl, PVOID MapRegisterBase,
                                    PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice)
{
    return dma_flush_adapter_buffers(ADAPTER(AdapterObject), Mdl, MapRegisterBase, CurrentVa, Length,
                                     WriteToDevice);
}

EXPORT(hal, IoFreeAdapterChannel, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoFreeAdapterChannel(PADAPTER_OBJECT AdapterObject)
{
    dma_free_adapter_channel(ADAPTER(AdapterObject));
}

EXPORT(hal, IoFreeMapRegisters, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoFreeMapRegisters(PADAPTER_OBJECT AdapterObject, PVOID MapRegisterBase,
                              ULONG NumberOfMapRegisters)
{
    dma_free_map_registers(ADAPTER(AdapterObject), MapRegisterBase, NumberOfMapRegisters);
}

EXPORT(hal, HalReadDmaCounter, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI HalReadDmaCounter(PADAPTER_OBJECT AdapterObject)
{
    return dma_read_counter(ADAPTER(AdapterObject));
}

/* AllocateAdapterChannel with the device object, the IRP and the context in the caller's block. */
EXPORT(hal, HalAllocateAdapterChannel, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI HalAllocateAdapterChannel(PADAPTER_OBJECT AdapterObject, PWAIT_CONTEXT_BLOCK Wcb,
                                         ULONG NumberOfMapRegisters, PDRIVER_CONTROL ExecutionRoutine)
{
    return dma_allocate_channel_for(dma_adapter_of(ADAPTER(AdapterObject)), Wcb->DeviceObject,
                                    Wcb->CurrentIrp, NumberOfMapRegisters, ExecutionRoutine,
                                    Wcb->DeviceContext);
}

EXPORT(hal, HalGetScatterGatherList, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI HalGetScatterGatherList(PADAPTER_OBJECT AdapterObject, PDEVICE_OBJECT DeviceObject, PMDL Mdl,
                                       PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
                                       PVOID Context, BOOLEAN WriteToDevice)
{
    return dma_get_list(ADAPTER(AdapterObject), DeviceObject, Mdl, CurrentVa, Length, ExecutionRoutine,
                        Context, WriteToDevice);
}

EXPORT(hal, HalPutScatterGatherList, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI HalPutScatterGatherList(PADAPTER_OBJECT AdapterObject, PSCATTER_GATHER_LIST ScatterGather,
                                   BOOLEAN WriteToDevice)
{
    dma_put_list(ADAPTER(AdapterObject), ScatterGather, WriteToDevice);
}
