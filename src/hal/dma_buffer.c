/* SPDX-License-Identifier: MIT */
/*
 * Common buffers: memory that the driver and the device see at the same time,
 * in one piece for both, where the device reaches it. What was given out is
 * known by its address, so that only the same arguments give it back.
 */
#include "hal/dma.h"
#include "ke/held.h"
#include "mm/mm.h"

#define LARGE_PAGE (512ull * PAGE_SIZE)

struct common_buffer {
    LIST_ENTRY link; /* the adapter's */
    const void *caller;
    void *va;
    uint64_t pa;
    ULONG length;
    bool cached;
    bool borrowed; /* the pages are an MDL's */
};

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void keep(struct dma_adapter *adapter, struct common_buffer *buffer)
{
    rl_lock_acquire(&dma_lock);
    list_insert_tail(&adapter->buffers, &buffer->link);
    rl_lock_release(&dma_lock);
}

static void *allocate_pages(const struct dma_adapter *adapter, uint64_t low, uint64_t high, size_t bytes,
                            bool cached)
{
    PHYSICAL_ADDRESS lowest = {.QuadPart = (LONGLONG)low}, highest = {.QuadPart = (LONGLONG)high};
    PHYSICAL_ADDRESS boundary = {.QuadPart = adapter->boundary};

    return MmAllocateContiguousMemorySpecifyCache(bytes, lowest, highest, boundary,
                                                  cached ? MmCached : MmNonCached);
}

/* high: the last address that the buffer may have. */
static void *allocate(struct dma_adapter *adapter, uint64_t low, uint64_t high, ULONG length, size_t granule,
                      bool cached, PPHYSICAL_ADDRESS logical)
{
    /* DMA-18: whole pages, of which the caller has Length bytes. */
    size_t bytes = (length + granule - 1) & ~(granule - 1);
    struct common_buffer *buffer = length != 0 ? mm_alloc(sizeof(*buffer), DMA_TAG) : NULL;

    if (buffer == NULL)
        return NULL;
    /* DMA-18: where the device reaches it. */
    buffer->va = allocate_pages(adapter, low, lesser(high, adapter->limit), bytes, cached);
    if (buffer->va == NULL) {
        mm_free(buffer);
        return NULL;
    }
    buffer->pa = (uint64_t)MmGetPhysicalAddress(buffer->va).QuadPart;
    buffer->length = length;
    buffer->cached = cached;
    buffer->caller = ke_driver_caller();
    keep(adapter, buffer);
    logical->QuadPart = (LONGLONG)buffer->pa;
    return buffer->va;
}

/* NULL: none of these is at that address. */
static struct common_buffer *take_out(struct dma_adapter *adapter, const void *va)
{
    struct common_buffer *found = NULL;

    rl_lock_acquire(&dma_lock);
    list_for_each(it, &adapter->buffers)
    {
        struct common_buffer *buffer = container_of(it, struct common_buffer, link);
        if (buffer->va == va)
            found = buffer;
    }
    if (found != NULL)
        list_remove(&found->link);
    rl_lock_release(&dma_lock);
    return found;
}

static void release(struct common_buffer *buffer)
{
    if (!buffer->borrowed)
        MmFreeContiguousMemory(buffer->va);
    mm_free(buffer);
}

/* The lock is held: visit must not allocate. */
void hal_for_each_common_buffer(void (*visit)(const struct hal_buffer_info *info, void *context),
                                void *context)
{
    rl_lock_acquire(&dma_lock);
    list_for_each(at, &dma_adapters)
    {
        const struct dma_adapter *adapter = container_of(at, struct dma_adapter, link);

        list_for_each(it, &adapter->buffers)
        {
            const struct common_buffer *buffer = container_of(it, struct common_buffer, link);
            visit(&(struct hal_buffer_info){&adapter->public, buffer->va, buffer->length, buffer->caller},
                  context);
        }
    }
    rl_lock_release(&dma_lock);
}

/*
 * Memory in one piece that the device reaches, whole pages of it; *LogicalAddress: where the device finds it.
 * NULL: there is none. Owns: the caller (FreeCommonBuffer). IRQL: PASSIVE_LEVEL. Rules: DMA-18.
 */
PVOID NTAPI dma_allocate_common_buffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
                                       PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled)
{
    return allocate(dma_adapter_of(DmaAdapter), 0, ~0ull, Length, PAGE_SIZE, CacheEnabled, LogicalAddress);
}

/* Bug check 0xE6/3 unless the arguments are those of the allocation. IRQL: PASSIVE_LEVEL. Rules: DMA-18. */
VOID NTAPI dma_free_common_buffer(PDMA_ADAPTER DmaAdapter, ULONG Length, PHYSICAL_ADDRESS LogicalAddress,
                                  PVOID VirtualAddress, BOOLEAN CacheEnabled)
{
    struct common_buffer *buffer = take_out(dma_adapter_of(DmaAdapter), VirtualAddress);

    if (buffer == NULL)
        dma_violation(3, 1, (ULONG_PTR)VirtualAddress, 0,
                      "FreeCommonBuffer was called for an address at which there is no common buffer");
    /* DMA-18: exactly what was passed and returned. */
    if (buffer->length != Length || buffer->pa != (uint64_t)LogicalAddress.QuadPart ||
        (!buffer->cached != !CacheEnabled && !buffer->borrowed))
        dma_violation(3, 0, (ULONG_PTR)VirtualAddress, Length,
                      "FreeCommonBuffer was called with other arguments than the buffer was allocated with");
    release(buffer);
}

/* With a highest logical address, if wanted. IRQL: PASSIVE_LEVEL. */
PVOID NTAPI dma_allocate_common_buffer_ex(PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MaximumAddress,
                                          ULONG Length, PPHYSICAL_ADDRESS LogicalAddress,
                                          BOOLEAN CacheEnabled, ULONG PreferredNode)
{
    uint64_t high = MaximumAddress != NULL ? (uint64_t)MaximumAddress->QuadPart : ~0ull;

    return allocate(dma_adapter_of(DmaAdapter), 0, high, Length, PAGE_SIZE, CacheEnabled, LogicalAddress);
}

static bool caching_is_known(const MEMORY_CACHING_TYPE *type)
{
    return type == NULL || *type == MmCached || *type == MmNonCached;
}

/* With a lowest and a highest logical address, if wanted, in pages or in large ones. NULL also for another
 * caching than MmCached and MmNonCached. IRQL: PASSIVE_LEVEL. */
PVOID NTAPI dma_allocate_common_buffer_with_bounds(PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MinimumAddress,
                                                   PPHYSICAL_ADDRESS MaximumAddress, ULONG Length,
                                                   ULONG Flags, MEMORY_CACHING_TYPE *CacheType,
                                                   ULONG PreferredNode, PPHYSICAL_ADDRESS LogicalAddress)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    uint64_t low = MinimumAddress != NULL ? (uint64_t)MinimumAddress->QuadPart : 0;
    uint64_t high = MaximumAddress != NULL ? (uint64_t)MaximumAddress->QuadPart : ~0ull;
    bool large = Flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE;

    if ((Flags & ~(ULONG)DOMAIN_COMMON_BUFFER_LARGE_PAGE) || !caching_is_known(CacheType))
        return NULL;
    return allocate(adapter, low, high, Length, large ? LARGE_PAGE : PAGE_SIZE,
                    CacheType == NULL || *CacheType == MmCached, LogicalAddress);
}

/* ---- of an MDL ---- */

struct mdl_order {
    uint64_t low, high, offset;
    ULONG length;
};

/* One configuration; each kind may come once. */
static NTSTATUS configure(const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *configuration,
                          struct mdl_order *order, ULONG *seen)
{
    ULONG kind = (ULONG)configuration->ConfigType;

    if (kind >= CommonBufferConfigTypeMax || (*seen & 1u << kind))
        return STATUS_INVALID_PARAMETER;
    *seen |= 1u << kind;
    if (kind == CommonBufferConfigTypeLogicalAddressLimits) {
        order->low = (uint64_t)configuration->LogicalAddressLimits.MinimumAddress.QuadPart;
        order->high = (uint64_t)configuration->LogicalAddressLimits.MaximumAddress.QuadPart;
    } else if (kind == CommonBufferConfigTypeSubSection) {
        order->offset = configuration->SubSection.Offset;
        order->length = configuration->SubSection.Length;
    } else if (configuration->HardwareAccessType != CommonBufferHardwareAccessReadWrite) {
        /* Without remapping a device that reaches memory reads and writes it. */
        return STATUS_NOT_SUPPORTED;
    }
    return STATUS_SUCCESS;
}

/* Whole pages of one MDL that has a system address, in one piece, where the device reaches them. */
static bool can_back(const struct dma_adapter *adapter, const struct mdl_order *order,
                     const struct dma_cursor *at)
{
    uint64_t pa;

    if (order->length == 0 || at->mdl == NULL || order->length > at->mdl->ByteCount - at->at ||
        order->length % PAGE_SIZE != 0 || BYTE_OFFSET(at->mdl->ByteOffset + at->at) != 0 ||
        !(at->mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)))
        return false;
    pa = dma_address(at);
    return pa >= order->low && pa + order->length - 1 <= order->high &&
           dma_run(at, order->length, adapter->limit, true) == order->length;
}

/*
 * Makes a common buffer of memory that the driver has. STATUS_INVALID_PARAMETER: memory that cannot be one,
 * STATUS_NOT_SUPPORTED: what only DMA remapping could do. It ends with FreeCommonBuffer at the MDL's system
 * address; the pages stay the driver's. IRQL: PASSIVE_LEVEL.
 */
NTSTATUS NTAPI dma_create_buffer_from_mdl(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
                                          PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION ExtendedConfigs,
                                          ULONG ExtendedConfigsCount, PPHYSICAL_ADDRESS LogicalAddress)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct mdl_order order = {.high = ~0ull, .length = Mdl != NULL ? Mdl->ByteCount : 0};
    struct common_buffer *buffer;
    ULONG seen = 0;

    for (ULONG i = 0; i < ExtendedConfigsCount; i++) {
        NTSTATUS status = configure(&ExtendedConfigs[i], &order, &seen);
        if (!NT_SUCCESS(status))
            return status;
    }
    struct dma_cursor at = dma_seek(Mdl, order.offset);
    bool chained = Mdl != NULL && Mdl->Next != NULL && !(seen & 1u << CommonBufferConfigTypeSubSection);
    if (chained || !can_back(adapter, &order, &at))
        return STATUS_INVALID_PARAMETER;
    buffer = mm_alloc(sizeof(*buffer), DMA_TAG);
    if (buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    buffer->va = (char *)at.mdl->MappedSystemVa + at.at;
    buffer->pa = dma_address(&at);
    buffer->length = order.length;
    buffer->borrowed = true;
    buffer->caller = ke_driver_caller();
    keep(adapter, buffer);
    LogicalAddress->QuadPart = (LONGLONG)buffer->pa;
    return STATUS_SUCCESS;
}

/* ---- vectors of common buffers ---- */

struct _DMA_COMMON_BUFFER_VECTOR {
    ULONG count;
    struct {
        void *va; /* NULL: freed */
        PHYSICAL_ADDRESS pa;
    } element[];
};

static void free_element(struct dma_adapter *adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index)
{
    struct common_buffer *buffer;

    if (vector->element[index].va == NULL)
        return;
    buffer = take_out(adapter, vector->element[index].va);
    vector->element[index].va = NULL;
    if (buffer != NULL)
        release(buffer);
}

/* A number of common buffers of the same size, each in one piece, between two logical addresses. All or none.
 * Owns: the caller (FreeCommonBufferVector). IRQL: PASSIVE_LEVEL. */
NTSTATUS NTAPI dma_allocate_vector(PDMA_ADAPTER DmaAdapter, PHYSICAL_ADDRESS LowAddress,
                                   PHYSICAL_ADDRESS HighAddress, MEMORY_CACHING_TYPE CacheType,
                                   ULONG IdealNode, ULONG Flags, ULONG NumberOfElements,
                                   ULONGLONG SizeOfElements, PDMA_COMMON_BUFFER_VECTOR *VectorOut)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    bool large = Flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE;
    PDMA_COMMON_BUFFER_VECTOR vector;

    if (NumberOfElements == 0 || SizeOfElements == 0 || SizeOfElements > ~0u || !caching_is_known(&CacheType))
        return STATUS_INVALID_PARAMETER;
    vector = mm_alloc(sizeof(*vector) + NumberOfElements * sizeof(vector->element[0]), DMA_TAG);
    if (vector == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (vector->count = 0; vector->count < NumberOfElements; vector->count++) {
        ULONG i = vector->count;

        vector->element[i].va = allocate(
            adapter, (uint64_t)LowAddress.QuadPart, (uint64_t)HighAddress.QuadPart, (ULONG)SizeOfElements,
            large ? LARGE_PAGE : PAGE_SIZE, CacheType == MmCached, &vector->element[i].pa);
        if (vector->element[i].va == NULL) {
            dma_free_vector(DmaAdapter, vector);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    *VectorOut = vector;
    return STATUS_SUCCESS;
}

/* NULL and 0 for an index beyond the vector's end. */
VOID NTAPI dma_get_from_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index,
                               PVOID *VirtualAddressOut, PPHYSICAL_ADDRESS LogicalAddressOut)
{
    bool there = Index < Vector->count && Vector->element[Index].va != NULL;

    *VirtualAddressOut = there ? Vector->element[Index].va : NULL;
    LogicalAddressOut->QuadPart = there ? Vector->element[Index].pa.QuadPart : 0;
}

/* Frees one of them before the vector goes. */
VOID NTAPI dma_free_from_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index)
{
    if (Index < Vector->count)
        free_element(dma_adapter_of(DmaAdapter), Vector, Index);
}

/* Frees those that are left, and the vector. */
VOID NTAPI dma_free_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);

    for (ULONG i = 0; i < Vector->count; i++)
        free_element(adapter, Vector, i);
    mm_free(Vector);
}
