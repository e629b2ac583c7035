/* SPDX-License-Identifier: MIT */
/* Memory with physical properties: contiguous frames within limits (for DMA), and noncached memory. */
#include "mm/ranges.h"

static void *allocate(SIZE_T bytes, uint64_t low, uint64_t high, uint64_t boundary,
                      enum hmem_protection protection, enum mm_range_kind kind, const void *caller)
{
    if (bytes == 0 || bytes > hmem_ram_bytes())
        return NULL;
    size_t pages = BYTES_TO_PAGES(bytes);
    uint64_t pfn = hmem_alloc_contiguous(pages, low, high, boundary);
    if (pfn == HMEM_NO_PFN)
        return NULL;
    struct mm_range *range = mm_range_create(kind, HMEM_SYSTEM, NULL, pages, caller);
    if (range != NULL && NT_SUCCESS(hmem_map_run(range->base, pfn, pages, protection))) {
        range->first_pfn = pfn;
        return range->base;
    }
    if (range != NULL)
        mm_range_destroy(range);
    hmem_free_pages(pfn, pages);
    return NULL;
}

static void release(struct mm_range *range)
{
    uint64_t pfn = range->first_pfn;
    size_t pages = range->pages;
    mm_range_destroy(range);
    hmem_free_pages(pfn, pages);
}

/* Physically contiguous memory below an address, page aligned. NULL: there is none, or no bytes are asked
 * for. Owns: the caller (MmFreeContiguousMemory). IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, MmAllocateContiguousMemory, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    return allocate(NumberOfBytes, 0, (uint64_t)HighestAcceptableAddress.QuadPart, 0, HMEM_RWX,
                    MM_RANGE_CONTIGUOUS, mm_caller(__builtin_return_address(0)));
}

/* The same between two addresses and crossing no multiple of the boundary (0: any). */
EXPORT(ntoskrnl, MmAllocateContiguousMemorySpecifyCache, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                   MEMORY_CACHING_TYPE CacheType)
{
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart, (uint64_t)BoundaryAddressMultiple.QuadPart,
                    HMEM_RWX, MM_RANGE_CONTIGUOUS, mm_caller(__builtin_return_address(0)));
}

/* The node is a preference: there is one. */
EXPORT(ntoskrnl, MmAllocateContiguousMemorySpecifyCacheNode, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
                                                       PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                       PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                       PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                       MEMORY_CACHING_TYPE CacheType, ULONG PreferredNode)
{
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart, (uint64_t)BoundaryAddressMultiple.QuadPart,
                    HMEM_RWX, MM_RANGE_CONTIGUOUS, mm_caller(__builtin_return_address(0)));
}

/* With a protection: PAGE_READWRITE or PAGE_EXECUTE_READWRITE, with PAGE_NOCACHE or PAGE_WRITECOMBINE if
 * wanted. */
EXPORT(ntoskrnl, MmAllocateContiguousNodeMemory, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                           PHYSICAL_ADDRESS HighestAcceptableAddress,
                                           PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                           ULONG PreferredNode)
{
    enum hmem_protection protection;
    if (!mm_protection_of_page(Protect, &protection) || !(protection & HMEM_W))
        return NULL;
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart, (uint64_t)BoundaryAddressMultiple.QuadPart,
                    protection, MM_RANGE_CONTIGUOUS, mm_caller(__builtin_return_address(0)));
}

static void free_contiguous(void *base)
{
    struct mm_range *range = mm_range_find(base, MM_RANGE_CONTIGUOUS);
    if (range == NULL) {
        struct ke_bugcheck_info info = {.code = BAD_POOL_CALLER,
                                        .p = {0x60, (uintptr_t)base},
                                        .sentence =
                                            "no contiguous memory begins at the address that is freed"};
        ke_bugcheck(&info);
    }
    release(range);
}

/* Bug check 0xC2/60 for an address that is none of MmAllocateContiguousMemory*'s. */
EXPORT(ntoskrnl, MmFreeContiguousMemory, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    free_contiguous(BaseAddress);
}

EXPORT(ntoskrnl, MmFreeContiguousMemorySpecifyCache, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                              MEMORY_CACHING_TYPE CacheType)
{
    free_contiguous(BaseAddress);
}

EXPORT(ntoskrnl, MmAllocateNonCachedMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    return allocate(NumberOfBytes, 0, ~0ull, 0, HMEM_RWX, MM_RANGE_NONCACHED,
                    mm_caller(__builtin_return_address(0)));
}

/* The number of bytes must be the allocation's. */
EXPORT(ntoskrnl, MmFreeNonCachedMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    struct mm_range *range = mm_range_find(BaseAddress, MM_RANGE_NONCACHED);
    size_t pages = BYTES_TO_PAGES(NumberOfBytes);
    if (range == NULL)
        mm_pte_misuse(0x303, BaseAddress, pages, 0, "no noncached memory begins at the address");
    if (range->pages != pages)
        mm_pte_misuse(0x305, BaseAddress, pages, range->pages, "noncached memory is freed with another size");
    release(range);
}
